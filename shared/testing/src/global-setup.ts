import type { EmbeddedServer } from '@micromart/engines/postgres/server';
import { removeLibpqVariables } from '@micromart/postgres/libpq-variables';
import { startTestServer } from './embedded-run.ts';

declare global {
  /** The run's own server, for the teardown; undefined where `TEST_POSTGRES_URL` named one. */
  var testPostgresServer: EmbeddedServer | undefined;
}

/** Gives every test of the run a PostgreSQL server: the superuser's URL is in `TEST_POSTGRES_URL`. */
export default async function globalSetup(): Promise<void> {
  removeLibpqVariables(process.env);
  if (process.env.TEST_POSTGRES_URL) return;
  globalThis.testPostgresServer = await startTestServer();
  process.env.TEST_POSTGRES_URL = globalThis.testPostgresServer.url;
}
