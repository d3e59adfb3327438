import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, jest, test } from '@jest/globals';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import pg from 'pg';
import { pino } from 'pino';
import { type Leadership, runAsLeader } from './leader-election.ts';

const logger = pino({ level: 'silent' });
let database: TestDatabase;
let open: Leadership[] = [];
let children: ChildProcess[] = [];

beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(open.map((one) => one.close()));
  open = [];
  children = [];
});

const untilAborted = (signal: AbortSignal) =>
  new Promise<void>((resolve) => {
    signal.addEventListener('abort', () => resolve());
    if (signal.aborted) resolve();
  });

function runFor(name: string, onLead = untilAborted): Leadership {
  const leadership = runAsLeader({ url: database.url, name, onLead, logger });
  open.push(leadership);
  return leadership;
}

/** Another process that leads: it prints when a term begins and when it is lost. */
async function startLeader(name: string): Promise<{ child: ChildProcess; said(): string }> {
  const program = `
    import { pino } from 'pino';
    import { runAsLeader } from ${JSON.stringify(new URL('./leader-election.ts', import.meta.url).href)};
    const [url, name] = process.argv.slice(1);
    runAsLeader({ url, name, logger: pino({ level: 'silent' }), onLead: (signal) => new Promise((resolve) => {
      process.stdout.write('leads\\n');
      signal.addEventListener('abort', () => { process.stdout.write('lost\\n'); resolve(); });
    }) });`;
  const child = spawn(
    process.execPath,
    ['--input-type=module-typescript', '-e', program, database.url, name],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: new URL('.', import.meta.url),
    },
  );
  children.push(child);
  let said = '';
  child.stdout!.on('data', (chunk) => {
    said += chunk;
  });
  await until(() => said.includes('leads'));
  return { child, said: () => said };
}

test('lets one lead at a time, for each name separately', async () => {
  const first = runFor('a');
  await until(() => first.isLeader());
  const second = runFor('a');
  const other = runFor('b');
  await until(() => other.isLeader());
  expect(second.isLeader()).toBe(false);
  await first.close();
  expect(first.isLeader()).toBe(false);
  await until(() => second.isLeader());
});

test('ends the term at once when the connection breaks, and runs again', async () => {
  let terms = 0;
  const one = runFor('c', async (signal) => {
    terms += 1;
    await untilAborted(signal);
  });
  await until(() => one.isLeader());
  await database.admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lock of c' AND datname = current_database()",
  );
  await until(() => terms === 2 && one.isLeader());
});

test('ends the term when a heartbeat fails', async () => {
  let terms = 0;
  let broken = true;
  const one = runAsLeader({
    url: database.url,
    name: 'd',
    logger,
    onLead: async (signal) => {
      terms += 1;
      await untilAborted(signal);
    },
    heartbeat: async () => {
      if (broken) throw new Error('the row is gone');
    },
  });
  open.push(one);
  await until(() => terms === 2);
  broken = false;
  await until(() => one.isLeader());
});

test('runs again when the work ends or throws', async () => {
  let terms = 0;
  runFor('e', async () => {
    terms += 1;
    if (terms === 1) throw new Error('once');
  });
  await until(() => terms === 3);
});

test('begins no term when it is closed before it learns that it has won', async () => {
  const query = pg.Client.prototype.query;
  const spy = jest.spyOn(pg.Client.prototype, 'query').mockImplementation(async function (
    this: pg.Client,
    ...words: Parameters<typeof query>
  ) {
    const result = await query.apply(this, words);
    if (String(words[0]).includes('pg_try_advisory_lock')) closed.resolve(one.close());
    return result;
  } as typeof query);
  const closed = Promise.withResolvers<void>();
  let terms = 0;
  const one = runFor('h', async () => {
    terms += 1;
  });
  await closed.promise;
  spy.mockRestore();
  expect(terms).toBe(0);
});

test('elects another leader when the leader is killed', async () => {
  const { child } = await startLeader('f');
  const standby = runFor('f');
  child.kill('SIGKILL');
  await until(() => standby.isLeader());
});

test('elects another leader when the leader is frozen, which learns of it when it wakes up', async () => {
  const { child, said } = await startLeader('g');
  const standby = runFor('g');
  child.kill('SIGSTOP');
  await until(() => standby.isLeader());
  expect(said()).toBe('leads\n');
  child.kill('SIGCONT');
  await until(() => said() === 'leads\nlost\n');
  expect(standby.isLeader()).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
