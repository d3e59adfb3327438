import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { Decide, Document } from '@micromart/event-log/change-store';
import { isUnavailable } from '@micromart/postgres/failure';
import { migrate } from '@micromart/postgres/migrate';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { isStorable } from '@micromart/text/storable';
import fc from 'fast-check';
import { createPostgresChangeStore, type PostgresChangeStore } from './changes.ts';
import { createIdempotencyKeys } from './idempotency-keys.ts';
import { eventLogMigrations, openPostgresLog, type PostgresEventLog } from './log.ts';

type Counter = { readonly count: number };

const decideBy =
  (n: number, id: string): Decide<Counter, { count: number; version: number }> =>
  (document, version) => {
    const count = (document?.state.count ?? 0) + n;
    const event = { type: 'counted', subject: id, key: id, time: new Date(), data: { n, version } };
    return { answer: { count, version }, change: { state: { count }, events: [event] } };
  };

const fail: Decide<Counter, never> = () => {
  throw new Error('against the rules');
};

const ids = (n: number): string[] => Array.from({ length: n }, () => randomUUID());

let database: TestDatabase;
let pool: Pool;
let log: PostgresEventLog;
let store: PostgresChangeStore<Counter>;

const open = async (name = 'test', limits: { timeoutMs?: number } = {}) => {
  const itsPool = openPool(database.url, { max: 10, name });
  const itsLog = await openPostgresLog(itsPool, { family: 'test', source: '/test' });
  return {
    pool: itsPool,
    log: itsLog,
    store: createPostgresChangeStore<Counter>(itsPool, { table: 'counters', log: itsLog, ...limits }),
  };
};

/** The outcome of a promise: its value, or its error. */
const settle = (promise: Promise<unknown>) => promise.catch((error: unknown) => error);

beforeAll(async () => {
  database = await openTestDatabase();
  await migrate(database.url, [eventLogMigrations]);
  await database.admin.query(
    `CREATE TABLE counters (id text COLLATE "C" PRIMARY KEY, version int NOT NULL, sequence bigint NOT NULL,
       state json NOT NULL, CHECK ((state ->> 'count')::int < 1000000))`,
  );
});

beforeEach(async () => {
  ({ pool, log, store } = await open());
});

afterEach(() => pool.end());

afterAll(() => database.close());

/** Every event of the log, having checked that each partition counts from 1 without a gap up to its head. */
async function readLog() {
  const { last } = await log.heads();
  const events = [];
  for (const [partition, head] of last) {
    const page = await log.page(partition, 0, 1_000_000);
    expect(page.map(({ sequence }) => Number(sequence))).toEqual(page.map((_, n) => n + 1));
    expect(page).toHaveLength(head);
    events.push(...page);
  }
  return events;
}

const committed = async () => {
  const { rows } = await database.admin.query<{ n: number }>(
    'SELECT xact_commit AS n FROM pg_stat_database WHERE datname = current_database()',
  );
  return rows[0]!.n;
};

describe('group commit', () => {
  test('executes 64 concurrent changes of 64 documents in fewer than 16 transactions', async () => {
    const documents = ids(64);
    const before = await committed();
    const grouped = await open('grouped');
    await Promise.all(documents.map((id) => grouped.store.change(id, decideBy(1, id))));
    await grouped.pool.end();
    // A session's statistics are complete when it has ended.
    await until(async () => (await sessionsOf('grouped')) === 0);
    expect((await committed()) - before).toBeLessThan(16);
    expect((await readLog()).filter(({ subject }) => documents.includes(subject))).toHaveLength(64);
  });

  test('leaves the others committed when one of them fails', async () => {
    const documents = ids(64);
    const outcomes = await Promise.allSettled(
      documents.map((id, n) => store.change<unknown>(id, n === 30 ? fail : decideBy(1, id))),
    );
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(1);
    expect(await store.read(documents[30]!)).toBeUndefined();
    expect((await readLog()).filter(({ subject }) => documents.includes(subject))).toHaveLength(63);
  });

  test('leaves the others committed when the database refuses one of them', async () => {
    const documents = ids(8);
    const outcomes = await Promise.allSettled(
      documents.map((id, n) => store.change(id, decideBy(n === 3 ? 1_000_000 : 1, id))),
    );
    expect(outcomes.map(({ status }) => status === 'rejected')).toEqual(documents.map((_, n) => n === 3));
    expect((await readLog()).filter(({ subject }) => documents.includes(subject))).toHaveLength(7);
  });

  test('loses nothing when 64 writers change one document at once', async () => {
    const id = randomUUID();
    const answers = await Promise.all(Array.from({ length: 64 }, () => store.change(id, decideBy(1, id))));
    expect(await store.read(id)).toMatchObject({ version: 64, state: { count: 64 } });
    expect(answers.map(({ answer }) => answer.count).sort((a, b) => a - b)).toEqual(
      answers.map((_, n) => n + 1),
    );
    expect(new Set(answers.map(({ position }) => position!.sequence)).size).toBe(64);
  });

  test('hides deadlocks when two processes change the same documents in opposite order', async () => {
    const other = await open();
    const documents = ids(20);
    const rounds = Array.from({ length: 25 }, async () => {
      await Promise.all([
        ...documents.map((id) => store.change(id, decideBy(1, id))),
        ...documents.toReversed().map((id) => other.store.change(id, decideBy(1, id))),
      ]);
    });
    await Promise.all(rounds);
    await other.pool.end();
    const read = await Promise.all(documents.map((id) => store.read(id)));
    expect(read.map((document) => document?.state.count)).toEqual(documents.map(() => 50));
    expect((await readLog()).filter(({ subject }) => documents.includes(subject))).toHaveLength(1000);
    const { rows } = await database.admin.query<{ deadlocks: number }>(
      'SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()',
    );
    expect(rows[0]!.deadlocks).toBe(0);
  });
});

describe('a change', () => {
  test('answers with the position of its last event', async () => {
    const id = randomUUID();
    const { position } = await store.change(id, decideBy(1, id));
    const page = await log.page(position!.partition, position!.sequence - 1, 1);
    expect(page).toMatchObject([{ subject: id, type: 'counted', partitionkey: id, source: '/test' }]);
  });

  test('that changes nothing writes nothing and answers with the position of the last event', async () => {
    const id = randomUUID();
    const readOnly: Decide<Counter, Document<Counter> | undefined> = (document) => ({ answer: document });
    expect(await store.change(id, readOnly)).toEqual({ answer: undefined, replayed: false });
    const { position } = await store.change(id, decideBy(1, id));
    expect(await store.change(id, readOnly)).toMatchObject({ position, answer: { version: 1 } });
  });

  test('keeps the trace context of its request in its events', async () => {
    const id = randomUUID();
    const traceparent = '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01';
    const { position } = await store.change(id, decideBy(1, id), { traceparent });
    expect(await log.page(position!.partition, position!.sequence - 1, 1)).toMatchObject([{ traceparent }]);
  });

  test('is made once when a second process creates the same document at the same moment', async () => {
    const other = await open();
    const id = randomUUID();
    await Promise.all([store.change(id, decideBy(1, id)), other.store.change(id, decideBy(1, id))]);
    await other.pool.end();
    expect(await store.read(id)).toMatchObject({ version: 2, state: { count: 2 } });
  });
});

describe('a connection that dies', () => {
  /** A store behind a proxy; `before` is called before each statement, with its name or text. */
  const openThroughProxy = async () => {
    const url = new URL(database.url);
    const proxy = await openTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.port = String(proxy.port);
    const itsPool = openPool(url.href, { max: 10, name: 'cut' });
    const cut = { proxy, before: async (_statement: string): Promise<void> => {} };
    itsPool.on('connect', (client) => {
      const query = client.query.bind(client) as (...args: unknown[]) => unknown;
      client.query = ((first: string | { name: string }, ...rest: unknown[]) =>
        cut
          .before(typeof first === 'string' ? first : first.name)
          .then(() => query(first, ...rest))) as typeof client.query;
    });
    cleanups.push(async () => {
      proxy.cutAll();
      await itsPool.end();
      await proxy.close();
    });
    const itsLog = await openPostgresLog(itsPool, { family: 'test', source: '/test' });
    return Object.assign(cut, {
      store: createPostgresChangeStore<Counter>(itsPool, { table: 'counters', log: itsLog }),
    });
  };
  const cleanups: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0)) await cleanup();
  });

  const eventsOf = async (id: string) => (await readLog()).filter(({ subject }) => subject === id);

  test.each([1, 5])(
    'after %i changes were committed: they are found, not repeated, and answered',
    async (n) => {
      const cut = await openThroughProxy();
      const documents = ids(n);
      cut.before = async (statement) => {
        if (statement === 'write_counters') cut.proxy.cutReplies();
      };
      const changes = Promise.all(documents.map((id) => cut.store.change(id, decideBy(1, id))));
      await until(() => store.read(documents.at(-1)!));
      cut.proxy.restore();
      const changed = await changes;
      for (const [nth, id] of documents.entries()) {
        expect(await eventsOf(id)).toMatchObject([{ sequence: String(changed[nth]!.position!.sequence) }]);
        expect(changed[nth]!.answer).toEqual({ count: 1, version: 1 });
      }
    },
  );

  test('after the commit of a batch that was decided again: the same', async () => {
    const cut = await openThroughProxy();
    const id = randomUUID();
    await store.change(id, decideBy(1, id));
    let written = 0;
    cut.before = async (statement) => {
      if (statement === 'write_counters' && written++ === 0) await store.change(id, decideBy(1, id));
      if (statement === 'COMMIT') cut.proxy.cutReplies();
    };
    const change = cut.store.change(id, decideBy(1, id));
    await until(async () => (await store.read(id))?.version === 3);
    cut.proxy.restore();
    expect((await change).answer).toEqual({ count: 3, version: 3 });
    expect(await eventsOf(id)).toHaveLength(3);
    expect(written).toBe(2);
  });

  test('and loses the reply about the outcome as well: the change is made once', async () => {
    const cut = await openThroughProxy();
    const id = randomUUID();
    const seen: string[] = [];
    cut.before = async (statement) => {
      if (seen.includes(statement)) return;
      seen.push(statement);
      // The write never arrives; the query for its outcome arrives, and its reply does not.
      if (statement === 'write_counters') {
        cut.proxy.cutAll();
        cut.proxy.restore();
      }
      if (statement.startsWith('INSERT INTO event_log_commits')) cut.proxy.cutReplies();
    };
    const change = cut.store.change(id, decideBy(1, id));
    await until(async () => {
      const { rowCount } = await database.admin.query('SELECT FROM event_log_commits WHERE NOT written');
      return rowCount === 1;
    });
    cut.proxy.restore();
    const { position } = await change;
    expect(await store.read(id)).toMatchObject({ version: 1, state: { count: 1 } });
    expect(await eventsOf(id)).toMatchObject([{ sequence: String(position!.sequence) }]);
  });

  test('before anything was written: the change fails as unavailable, and nothing has happened', async () => {
    const cut = await openThroughProxy();
    const id = randomUUID();
    cut.before = async (statement) => {
      if (statement === 'load_counters') cut.proxy.cutReplies();
    };
    expect(isUnavailable(await cut.store.change(id, decideBy(1, id)).catch((error) => error))).toBe(true);
    expect(await store.read(id)).toBeUndefined();
  });

  test('while the database stays unavailable: the change fails as unavailable, and may have happened', async () => {
    const cut = await openThroughProxy();
    const id = randomUUID();
    cut.before = async (statement) => {
      if (statement === 'write_counters') cut.proxy.cutReplies();
    };
    expect(isUnavailable(await cut.store.change(id, decideBy(1, id)).catch((error) => error))).toBe(true);
  });
});

describe('an idempotency key', () => {
  const keyOf = (fingerprint = 'add 1') => ({ scope: 'al"i\\c{e}, 🛒', key: randomUUID(), fingerprint });

  test('gives the same answer and position again', async () => {
    const id = randomUUID();
    const key = keyOf();
    expect(await store.replay(key)).toBeUndefined();
    const first = await store.change(id, decideBy(1, id), { key });
    expect(await store.replay(key)).toEqual({ ...first, replayed: true });
  });

  test('used for another request is refused', async () => {
    const id = randomUUID();
    const key = keyOf();
    await store.change(id, decideBy(1, id), { key });
    await expect(store.replay({ ...key, fingerprint: 'add 2' })).rejects.toThrow('another request');
  });

  test('is not stored for a change that failed', async () => {
    const id = randomUUID();
    const key = keyOf();
    await expect(store.change(id, fail, { key })).rejects.toThrow('against the rules');
    expect(await store.replay(key)).toBeUndefined();
  });

  test('used by two processes at once is counted once, and both give the same answer', async () => {
    const other = await open();
    for (let round = 0; round < 10; round += 1) {
      const id = randomUUID();
      const key = keyOf();
      const neighbours = ids(5);
      const [first, second] = await Promise.all([
        store.change(id, decideBy(1, id), { key }),
        other.store.change(id, decideBy(1, id), { key }),
        ...neighbours.map((one) => store.change(one, decideBy(1, one))),
        ...neighbours.map((one) => other.store.change(one, decideBy(1, one))),
      ]);
      expect(second).toMatchObject({ answer: first!.answer, position: first!.position });
      expect(await store.read(id)).toMatchObject({ state: { count: 1 } });
      expect(await store.read(neighbours[0]!)).toMatchObject({ state: { count: 2 } });
    }
    await other.pool.end();
  });

  test('used twice within one batch fails the second request', async () => {
    const key = keyOf();
    const [a, b] = ids(2) as [string, string];
    const outcomes = await Promise.allSettled([
      store.change(a, decideBy(1, a), { key }),
      store.change(b, decideBy(1, b), { key }),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
  });
});

describe('any text', () => {
  const anyText = fc.string({
    unit: fc.oneof(fc.constantFrom('\0', '\ud800', '\udfff', '\ufffd', '😀', 'a'), fc.string()),
    minLength: 1,
    maxLength: 6,
  });

  test('in a key or an id is executed once and replayed, or refused, and never retried for ever', async () => {
    await fc.assert(
      fc.asyncProperty(anyText, anyText, anyText, async (scope, name, tail) => {
        const id = `${randomUUID()}${tail}`;
        const key = { scope, key: `${name}${randomUUID()}`, fingerprint: 'add 1' };
        const [first, again] = await Promise.allSettled([
          store.change(id, decideBy(1, 'x'), { key }),
          store.change(randomUUID(), decideBy(1, 'y')),
        ]);
        expect(again.status).toBe('fulfilled');
        const second = await settle(store.change(id, decideBy(1, 'x'), { key }));
        if ([scope, name, tail].every(isStorable)) {
          expect(second).toEqual({ ...(first as PromiseFulfilledResult<object>).value, replayed: true });
        } else {
          for (const reason of [(first as PromiseRejectedResult).reason, second])
            expect(reason).toMatchObject({ code: 'invalid' });
        }
      }),
      { numRuns: 200 },
    );
  });

  test('that was stored under a key in another form is found as the database finds it', async () => {
    const [key, id] = ids(2) as [string, string];
    await store.change(id, decideBy(1, id), { key: { scope: '\ufffd', key, fingerprint: 'add 1' } });
    const { find } = createIdempotencyKeys(pool, log.name);
    expect(await find({ scope: '\ud800', key, fingerprint: 'add 1' })).toMatchObject({ replayed: true });
  });
});

describe('a write that cannot end', () => {
  test('fails in time, is shown as stuck, and is complete or absent when its lock is released', async () => {
    const limited = await open('limited', { timeoutMs: 300 });
    const [id, other] = ids(2) as [string, string];
    await limited.store.change(id, decideBy(1, id));
    const holder = await database.admin.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM event_log_heads FOR UPDATE');
    const late = await Promise.all(
      [id, other].map((one) => settle(limited.store.change(one, decideBy(1, one)))),
    );
    expect(late).toEqual(late.map(() => expect.objectContaining({ code: 'unavailable' })));
    expect(await limited.store.check()).toMatchObject({
      ok: false,
      detail: expect.stringContaining('stuck'),
    });
    await holder.query('ROLLBACK');
    holder.release();
    await limited.store.idle();
    expect((await limited.store.change(id, decideBy(1, id))).answer.count).toBeGreaterThanOrEqual(2);
    expect(await limited.store.check()).toEqual({ ok: true });
    const { state } = (await limited.store.read(id))!;
    expect((await readLog()).filter(({ subject }) => subject === id)).toHaveLength(state.count);
    await limited.pool.end();
  });

  test('fails as unavailable when the database refuses its key although nothing is stored under it', async () => {
    await database.admin.query(`CREATE FUNCTION refuse_key() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE unique_violation USING CONSTRAINT = 'idempotency_keys_pkey'; END $$`);
    await database.admin.query(
      `CREATE TRIGGER refuse_key BEFORE INSERT ON idempotency_keys FOR EACH ROW WHEN (new.key = 'refused')
       EXECUTE FUNCTION refuse_key()`,
    );
    const [id, other] = ids(2) as [string, string];
    const [refused, taken] = await Promise.all([
      settle(store.change(id, decideBy(1, id), { key: { scope: 's', key: 'refused', fingerprint: 'f' } })),
      settle(
        store.change(other, decideBy(1, other), { key: { scope: 's', key: 'taken', fingerprint: 'f' } }),
      ),
    ]);
    await database.admin.query('DROP FUNCTION refuse_key CASCADE');
    expect(refused).toMatchObject({ code: 'unavailable' });
    expect(taken).toMatchObject({ replayed: false });
    await store.idle();
  });

  test('is shown as failed because of a full disk until one succeeds', async () => {
    const id = randomUUID();
    await database.admin.query(`CREATE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      RAISE disk_full; END $$`);
    await database.admin.query(
      'CREATE TRIGGER disk_full BEFORE INSERT ON event_log_events FOR EACH ROW EXECUTE FUNCTION disk_full()',
    );
    expect(isUnavailable(await settle(store.change(id, decideBy(1, id))))).toBe(true);
    expect(await store.check()).toMatchObject({ ok: false, detail: expect.stringContaining('full') });
    await database.admin.query('DROP FUNCTION disk_full CASCADE');
    await store.change(id, decideBy(1, id));
    expect(await store.check()).toEqual({ ok: true });
  });

  test('ends at once when the store is stopped, and the store accepts no more', async () => {
    const stopping = await open('stopping');
    const id = randomUUID();
    const holder = await database.admin.connect();
    await holder.query('BEGIN');
    await holder.query('SELECT 1 FROM event_log_heads FOR UPDATE');
    const change = settle(stopping.store.change(id, decideBy(1, id)));
    await until(async () => (await waitingSessionsOf('stopping')) === 1);
    stopping.store.stop();
    expect(await change).toMatchObject({ code: 'unavailable' });
    expect(await settle(stopping.store.change(id, decideBy(1, id)))).toMatchObject({ code: 'unavailable' });
    await holder.query('ROLLBACK');
    holder.release();
    await stopping.store.idle();
    await stopping.pool.end();
  });
});

describe('a log', () => {
  test('keeps its name when it is opened again', async () => {
    const again = await open();
    await again.pool.end();
    expect(again.log.name).toBe(log.name);
    expect(log.name).toMatch(/^test-[0-9a-f]{8}$/);
  });

  test('has no holes when writers roll back or die in the middle of their transaction', async () => {
    const saboteur = async () => {
      const client = await database.admin.connect();
      await client.query('BEGIN');
      await client.query('SELECT 1 FROM event_log_heads ORDER BY partition FOR UPDATE');
      await client.query('UPDATE event_log_heads SET last = last + 1');
      client.release(new Error('dies in mid-transaction'));
    };
    const documents = ids(40);
    await Promise.all([...documents.map((id) => store.change(id, decideBy(1, id))), saboteur(), saboteur()]);
    expect((await readLog()).filter(({ subject }) => documents.includes(subject))).toHaveLength(40);
  });
});

async function sessionsOf(name: string): Promise<number> {
  const { rows } = await database.admin.query<{ n: number }>(
    'SELECT count(*) AS n FROM pg_stat_activity WHERE datname = current_database() AND application_name = $1',
    [name],
  );
  return rows[0]!.n;
}

async function waitingSessionsOf(name: string): Promise<number> {
  const { rows } = await database.admin.query<{ n: number }>(
    `SELECT count(*) AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = $1 AND wait_event_type = 'Lock'`,
    [name],
  );
  return rows[0]!.n;
}
