/** `node http-cache-record/main.ts`: runs the suite against both clients, and writes what came out. */
import { readRecord, writeRecord } from './record.ts';
import { runSuiteAgainst } from './run.ts';

await import('./install.cjs');
const { suites } = await import('./suites.ts');

const before = await readRecord();
const ours = await runSuiteAgainst('ours', before.ours);
const undici = await runSuiteAgainst('undici', before.undici);
await writeRecord(suites, { ours, undici });

const lost = Object.keys(before.ours).filter((id) => before.ours[id] && !ours[id]);
process.stdout.write('Written: http-cache-record/results.json and docs/http-cache.md\n');
if (lost.length > 0) process.stdout.write(`Not passed any more: ${lost.join(', ')}\n`);
