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

function stand(name: string, onLead = untilAborted): Leadership {
  const leadership = runAsLeader({ url: database.url, name, onLead, logger });
  open.push(leadership);
  return leadership;
}

/** Another process that leads: it says so, and says when it is over. */
async function startHolder(name: string): Promise<{ child: ChildProcess; said(): string }> {
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

test('lets one lead at a time, and each name by itself', async () => {
  const first = stand('a');
  await until(() => first.isLeader());
  const second = stand('a');
  const other = stand('b');
  await until(() => other.isLeader());
  expect(second.isLeader()).toBe(false);
  await first.close();
  expect(first.isLeader()).toBe(false);
  await until(() => second.isLeader());
});

test('ends the lead at once when the connection breaks, and stands for it again', async () => {
  let reigns = 0;
  const one = stand('c', async (signal) => {
    reigns += 1;
    await untilAborted(signal);
  });
  await until(() => one.isLeader());
  await database.admin.query(
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'lock of c' AND datname = current_database()",
  );
  await until(() => reigns === 2 && one.isLeader());
});

test('ends the lead when a heartbeat fails', async () => {
  let reigns = 0;
  let broken = true;
  const one = runAsLeader({
    url: database.url,
    name: 'd',
    logger,
    onLead: async (signal) => {
      reigns += 1;
      await untilAborted(signal);
    },
    heartbeat: async () => {
      if (broken) throw new Error('the row is gone');
    },
  });
  open.push(one);
  await until(() => reigns === 2);
  broken = false;
  await until(() => one.isLeader());
});

test('stands for it again when the work ends or throws', async () => {
  let reigns = 0;
  stand('e', async () => {
    reigns += 1;
    if (reigns === 1) throw new Error('once');
  });
  await until(() => reigns === 3);
});

test('begins no term when it is closed before it learns that it won', async () => {
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
  const one = stand('h', async () => {
    terms += 1;
  });
  await closed.promise;
  spy.mockRestore();
  expect(terms).toBe(0);
});

test('passes the lead on when its holder is killed', async () => {
  const { child } = await startHolder('f');
  const standby = stand('f');
  child.kill('SIGKILL');
  await until(() => standby.isLeader());
});

test('passes the lead on when its holder is frozen, which learns of it when it wakes', async () => {
  const { child, said } = await startHolder('g');
  const standby = stand('g');
  child.kill('SIGSTOP');
  await until(() => standby.isLeader());
  expect(said()).toBe('leads\n');
  child.kill('SIGCONT');
  await until(() => said() === 'leads\nlost\n');
  expect(standby.isLeader()).toBe(true);
  child.kill('SIGKILL');
  await once(child, 'exit');
});
