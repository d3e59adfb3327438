import pg from 'pg';

export type Pool = pg.Pool;
export type Client = pg.ClientBase;

const INT8_OID = 20;
const CONNECT_TIMEOUT_MS = 5_000;
const IDLE_TIMEOUT_MS = 30_000;
/** A server that has gone without a word (no reset, no end) would keep its clients waiting for ever. */
const QUERY_TIMEOUT_MS = 65_000;

/** Counts and sequences are bigint in the database and stay far below 2^53, so they come as numbers. */
const types: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format: 'text') =>
    oid === INT8_OID ? Number : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};

/**
 * Opens a pool of at most `max` connections (a server has about a hundred for all its clients, so every pool says how
 * many are its own). Connections open when they are first needed. A connection that breaks while idle is dropped and
 * reported to `onIdleError`; one that breaks in use fails its query. `settings` are the server's, for each session.
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
  });
  pool.on('error', (error) => onIdleError?.(error));
  return pool;
}

/**
 * Runs `work` in one transaction and commits it; rolls back and rethrows when it throws. `begin` is the statement that
 * opens the transaction. A connection whose transaction could not be ended is thrown away, never handed on.
 */
export async function inTransaction<T>(
  pool: Pool,
  work: (client: Client) => Promise<T>,
  begin = 'BEGIN',
): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  // Without a listener, a connection that dies between two queries would end the process.
  const onError = (error: Error) => {
    broken = error;
  };
  client.on('error', onError);
  try {
    await client.query(begin);
    const result = await work(client);
    await client.query('COMMIT');
    return result;
  } catch (error) {
    await client.query('ROLLBACK').catch((cause) => {
      broken = cause;
    });
    throw error;
  } finally {
    client.off('error', onError);
    client.release(broken);
  }
}

/** The `begin` of a transaction that only reads, all its statements from one snapshot. */
export const BEGIN_SNAPSHOT = 'BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY';

/** Whether the database answers: a readiness check. */
export async function checkAnswers(pool: Pool): Promise<{ ok: boolean; detail?: string }> {
  try {
    await pool.query('SELECT 1');
    return { ok: true };
  } catch {
    return { ok: false, detail: 'the database does not answer' };
  }
}
