/** `npm test`: jest with all its arguments, and one of ours: `--quick` leaves out what needs more than PostgreSQL. */
import { run } from 'jest';

const QUICK = '--quick';

const words = process.argv.slice(2);
process.env.NODE_ENV ??= 'test';
if (words.includes(QUICK)) process.env.TEST_QUICK = 'true';
await run(words.filter((word) => word !== QUICK));
