import pg from 'pg';
import { Pipeline } from './pipeline.ts';
import type { Statement } from './statement.ts';

export type Pool = pg.Pool;
export type Client = pg.ClientBase;

const INT8_OID = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/** A server that vanished without a reset or an end would keep its clients waiting for ever. */
const QUERY_TIMEOUT_MS = 65_000;

/** Counts and sequences are bigint in the database and stay far below 2^53, so they come as numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/**
 * Opens a pool of at most `max` connections; a server has about a hundred for all its clients. Connections open when they are
 * first needed. A connection that breaks while idle is dropped and reported to `onIdleError`; one that breaks in use fails
 * its query. `settings` are settings of each session on the server. Queries that a client sends without awaiting
 * each other are sent together, and the server executes them in order.
 */
export function openPool(
  url: string,
  {
    max,
    name,
    settings = {},
    onIdleError,
  }: {
    max: number;
    name: string;
    settings?: Readonly<Record<string, string>>;
    onIdleError?: (error: Error) => void;
  },
): Pool {
  const pool = new pg.Pool({
    connectionString: url,
    max,
    application_name: name,
    options: Object.entries(settings)
      .map(([key, value]) => `-c ${key}=${value}`)
      .join(' '),
    types,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: IDLE_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    keepAlive: true,
    pipeline: true,
  });
  pool.on('error', (error) => onIdleError?.(error));
  return pool;
}

/**
 * Runs `work` in one transaction and commits it; rolls back and rethrows when it throws. A connection whose transaction could
 * not be ended is closed, never reused.
 */
export async function inTransaction<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const { client, giveBack } = await take(pool);
  let broken: Error | undefined;
  try {
    const result = await workAfter('BEGIN', client, work);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause) => {
      broken = cause;
    });
    throw error;
  } finally {
    giveBack(broken);
  }
}

/**
 * Executes statements as one transaction in one round trip (pipeline.ts): they are sent together and committed together. When
 * one fails, nothing is written, and this throws the server's error for that one. So a condition of the transaction must be a
 * statement that fails.
 */
export async function inPipelinedTransaction(pool: Pool, statements: readonly Statement[]): Promise<void> {
  const { client, giveBack } = await take(pool);
  let broken: Error | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      const pipeline = new Pipeline(statements, (error) => {
        if (!error) return resolve();
        if (pipeline.hasPrepared) broken = error;
        reject(error);
      });
      client.query(pipeline);
    });
  } finally {
    giveBack(broken);
  }
}

/** Runs `work`, which only reads, with all its statements in one snapshot. */
export async function inSnapshot<T>(pool: Pool, work: (client: Client) => Promise<T>): Promise<T> {
  const { client, giveBack } = await take(pool);
  try {
    return await workAfter('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', client, work);
  } finally {
    // The end of a transaction that only read is not awaited, because nothing depends on it.
    client.query('COMMIT').then(() => giveBack(), giveBack);
  }
}

/** Sends BEGIN together with the first statement of the work, which saves a round trip; if BEGIN fails, both fail. */
async function workAfter<T>(begin: string, client: Client, work: (client: Client) => Promise<T>): Promise<T> {
  const failure = client.query(begin).then(
    () => undefined,
    (error: Error) => error,
  );
  try {
    const result = await work(client);
    const failed = await failure;
    if (failed) throw failed;
    return result;
  } catch (error) {
    throw (await failure) ?? error;
  }
}

/** Takes a client out of the pool. Without a listener, a connection that dies between two queries would end the process. */
async function take(pool: Pool): Promise<{ client: Client; giveBack: (broken?: Error) => void }> {
  const client = await pool.connect();
  let lost: Error | undefined;
  const onError = (error: Error) => {
    lost = error;
  };
  client.on('error', onError);
  const giveBack = (broken: Error | undefined = lost) => {
    client.off('error', onError);
    client.release(broken);
  };
  return { client, giveBack };
}

/** Whether the database answers: a readiness check. */
export async function checkAnswers(pool: Pool): Promise<{ ok: boolean; detail?: string }> {
  try {
    await pool.query('SELECT 1');
    return { ok: true };
  } catch {
    return { ok: false, detail: 'the database does not answer' };
  }
}
