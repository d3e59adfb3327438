import { Unusable } from '@micromart/process/unusable';
import pg from 'pg';

/** The first version with `transaction_timeout`, which unlocks the positions of a frozen follower (subscription). */
const LEAST_MAJOR = 17;

/** Short, because this check is not for waiting; other code waits for a server that does not answer. */
const CONNECT_TIMEOUT_MS = 2_000;

/**
 * Why a server cannot be used, in one line; undefined when it can. `versionNumber` is its `server_version_num` (PostgreSQL
 * manual, 19.15): 170002 for 17.2. The text repeats only host, port and database of the URL.
 */
export function whyTooOld(url: string, versionNumber: number): string | undefined {
  const major = Math.floor(versionNumber / 10_000);
  if (major >= LEAST_MAJOR) return undefined;
  const { host, pathname } = new URL(url);
  // Before 10, a version had three parts.
  const minor =
    major < 10 ? `${Math.floor(versionNumber / 100) % 100}.${versionNumber % 100}` : versionNumber % 10_000;
  return `PostgreSQL ${LEAST_MAJOR} or newer is needed; ${host}${pathname} is ${major}.${minor}`;
}

/** Throws Unusable when the server of this connection is too old. */
export async function requireVersion(client: pg.Client, url: string): Promise<void> {
  const { rows } = await client.query<{ version: string }>(
    "SELECT current_setting('server_version_num') AS version",
  );
  const why = whyTooOld(url, Number(rows[0]!.version));
  if (why) throw new Unusable(why);
}

/** Throws Unusable when the server of a URL answers and is too old. Resolves when it does not answer. */
export async function refuseOldServer(url: string): Promise<void> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'version',
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: CONNECT_TIMEOUT_MS,
  });
  // A connection that breaks fails its query; unheard, it would end the process.
  client.on('error', () => {});
  try {
    await client.connect();
    await requireVersion(client, url);
  } catch (error) {
    if (error instanceof Unusable) throw error;
  } finally {
    await client.end().catch(() => {});
  }
}
