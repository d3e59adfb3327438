import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { type RecordedRuns, reasonFor, renderPage } from './page.ts';
import { REASONS } from './reasons.ts';
import { readPage, readRecord } from './record.ts';
import { runSuiteAgainst } from './run.ts';
import type { Suite } from './suite.ts';

const INSTALL_CAP_MS = 300_000;
const RUN_CAP_MS = 600_000;

let suites: readonly Suite[];
let record: RecordedRuns;

beforeAll(async () => {
  const install = fileURLToPath(new URL('./install.cjs', import.meta.url));
  const { status, stderr } = spawnSync(process.execPath, [install], {
    encoding: 'utf8',
    timeout: INSTALL_CAP_MS,
  });
  if (status !== 0) throw new Error(`http-cache-tests is not installed: ${stderr}`);
  ({ suites } = await import('./suites.ts'));
  record = await readRecord();
}, INSTALL_CAP_MS);

const all = () => suites.flatMap((suite) => suite.tests.map((one) => ({ suite, one })));

test(
  'the client passes the tests that it passed when the record was made, and no others',
  async () => {
    expect(await runSuiteAgainst('ours', record.ours)).toEqual(record.ours);
  },
  RUN_CAP_MS,
);

describe('the record', () => {
  test('has every test of the suite', () => {
    const ids = all().map(({ one }) => one.id);
    expect(Object.keys(record.ours).sort()).toEqual(ids.sort());
    expect(Object.keys(record.undici).sort()).toEqual(ids);
  });

  test('says of every test that is not passed why', () => {
    const unexplained = all().filter(({ suite, one }) => !record.ours[one.id] && !reasonFor(suite, one));
    expect(unexplained.map(({ one }) => one.id)).toEqual([]);
  });

  test('gives no reason for what is passed', () => {
    expect(Object.keys(REASONS).filter((id) => record.ours[id] !== false)).toEqual([]);
  });

  test('is what the page shows', async () => {
    expect(await readPage()).toBe(renderPage(suites, record));
  });

  test('shows every test about a 304 as passed', () => {
    const { tests } = suites.find(({ id }) => id === 'update304')!;
    expect(tests.filter(({ id }) => !record.ours[id])).toEqual([]);
  });
});
