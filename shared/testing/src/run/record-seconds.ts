/**
 * Renews the measured seconds from a report: `npm test -- --json --outputFile=report.json`, then
 * `node shared/testing/src/run/record-seconds.ts report.json`.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UNMEASURED_SECONDS } from './plan.ts';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const TABLE = new URL('./suite-seconds.json', import.meta.url);

type Report = { testResults: { name: string; startTime: number; endTime: number }[] };

const report: Report = JSON.parse(readFileSync(process.argv[2]!, 'utf8'));
const measured = report.testResults
  .map(
    ({ name, startTime, endTime }) =>
      [relative(ROOT, name), Math.round((endTime - startTime) / 1000)] as const,
  )
  .filter(([, seconds]) => seconds > UNMEASURED_SECONDS)
  .sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(TABLE, `${JSON.stringify(Object.fromEntries(measured), null, 2)}\n`);
