import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { backOffMs } from './back-off.ts';
import { identityOf, isRunning } from './process-identity.ts';
import { type Supervised, supervise } from './supervisor.ts';

let pids: number[];
let lines: string[];
let ends: string[];
let refusals: number;
let supervised: Supervised | undefined;

beforeEach(() => {
  [pids, lines, ends] = [[], [], []];
  refusals = 0;
});

afterEach(async () => {
  supervised?.kill();
  await supervised?.stop();
});

const start = (script: string, file = process.execPath) => {
  supervised = supervise(
    { file, arguments: ['--eval', script], environment: { NAME: 'fixture' }, folder: '/' },
    {
      onStart: (pid) => pids.push(pid),
      onLine: (line) => lines.push(line),
      onRefusal: () => {
        refusals += 1;
      },
      onEnd: (how, againInMs) => ends.push(`${how}, ${againInMs}`),
    },
  );
  return supervised;
};

const STAYS = 'setInterval(() => {}, 1_000);';
const gone = (pid: number) => identityOf(pid) === undefined;

test('passes on what the process prints, line by line, on either stream', async () => {
  start(
    `process.stdout.write('one\\ntw'); process.stdout.write('o\\n'); console.error(process.env.NAME); ${STAYS}`,
  );
  await until(() => lines.length === 3);
  expect(lines.sort()).toEqual(['fixture', 'one', 'two']);
});

test('gives the process its own environment, and nothing of ours', async () => {
  start(
    `console.log(Object.keys(process.env).filter((name) => name !== '__CF_USER_TEXT_ENCODING').join()); ${STAYS}`,
  );
  await until(() => lines.length === 1);
  expect(lines).toEqual(['NAME']);
});

test('restarts a process that ended, after longer pauses each time, and says how it ended', async () => {
  start('process.exit(3)');
  await until(() => pids.length === 3);
  expect(ends.slice(0, 2)).toEqual(['ended with code 3, 100', 'ended with code 3, 200']);
});

test('does not restart a process whose exit code says that it would end the same way, and passes on its last line', async () => {
  const { stop } = start(`process.stdout.write('PostgreSQL is too old\\n'); process.exitCode = 78;`);
  await until(() => refusals === 1);
  expect(lines).toEqual(['PostgreSQL is too old']);
  await stop();
  expect([pids.length, ends, refusals]).toEqual([1, [], 1]);
});

test('restarts a killed process', async () => {
  start(STAYS);
  process.kill(pids[0]!, 'SIGKILL');
  await until(() => pids.length === 2);
  expect(ends).toEqual(['was ended by SIGKILL, 100']);
  expect(isRunning(identityOf(pids[1]!)!)).toBe(true);
});

test('retries a process that cannot be started', async () => {
  start('', '/nowhere/node');
  await until(() => ends.length === 2);
  expect(ends[0]).toMatch(/^could not start: .*ENOENT.*, 100$/);
});

test('sends SIGTERM, waits for the end, and does not restart', async () => {
  const service = start(
    `process.on('SIGTERM', () => { console.log('ends'); process.exit(0); }); console.log('up'); ${STAYS}`,
  );
  await until(() => lines.includes('up'));
  await Promise.all([service.stop(), service.stop()]);
  expect(gone(pids[0]!)).toBe(true);
  await until(() => lines.includes('ends'));
  expect([pids.length, ends]).toEqual([1, []]);
});

test('kills at once a process that does not end', async () => {
  const service = start(`process.on('SIGTERM', () => console.log('no')); console.log('up'); ${STAYS}`);
  await until(() => lines.includes('up'));
  const stopped = service.stop();
  await until(() => lines.includes('no'));
  service.kill();
  await stopped;
  expect(gone(pids[0]!)).toBe(true);
});

test('stops during a pause before a restart', async () => {
  const service = start('process.exit(1)');
  await until(() => ends.length === 1);
  await service.stop();
  expect(pids).toHaveLength(1);
});

describe('the pause before the next start', () => {
  test('doubles up to ten seconds', () => {
    let waitMs = 0;
    const waits = Array.from({ length: 9 }, () => (waitMs = backOffMs(waitMs, 100)));
    expect(waits).toEqual([100, 200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000]);
  });

  test('starts again at its minimum after two seconds of running', () => {
    expect(backOffMs(6_400, 1_999)).toBe(10_000);
    expect(backOffMs(6_400, 2_000)).toBe(100);
  });
});
