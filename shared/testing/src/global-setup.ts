import type { EmbeddedServer } from '@micromart/engines/postgres/server';
import { removeLibpqVariables } from '@micromart/postgres/libpq-variables';
import { startTestServer } from './embedded-run.ts';

declare global {
  /** The run's own server, for the teardown; undefined if `TEST_POSTGRES_URL` named another. */
  var testPostgresServer: EmbeddedServer | undefined;
}

/** Starts a PostgreSQL server for all tests of the run, and puts its superuser's URL into `TEST_POSTGRES_URL`. */
export default async function globalSetup(): Promise<void> {
  removeLibpqVariables(process.env);
  if (process.env.TEST_POSTGRES_URL) return;
  globalThis.testPostgresServer = await startTestServer();
  process.env.TEST_POSTGRES_URL = globalThis.testPostgresServer.url;
}
