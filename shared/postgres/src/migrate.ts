import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { requireVersion } from './server-version.ts';

/** A folder of numbered SQL files, and the name under which a database remembers which of them it has run. */
export type Migrations = { readonly name: string; readonly folder: URL };

/** Any number works, as long as every process of this project uses the same. */
const LOCK_KEY = 7_410_117;

/**
 * Brings a schema of a database up to date, folder by folder. Any number of processes may call it at once: the first to get an
 * advisory lock does the work, the others wait and find it done. The schema must exist; its files and its record of what was
 * run use names in this schema only. Throws Unusable, and changes nothing, when the server is too old; otherwise the driver's
 * error.
 */
export async function migrate(
  url: string,
  folders: readonly Migrations[],
  { schema = 'public' }: { schema?: string } = {},
): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: 'migrate' });
  // Without a listener, a connection that breaks between two statements would end the process; the next statement fails.
  client.on('error', () => {});
  await client.connect();
  try {
    await requireVersion(client, url);
    await client.query('SELECT pg_advisory_lock($1)', [LOCK_KEY]);
    for (const { name, folder } of folders) {
      await runner({
        dbClient: client,
        dir: fileURLToPath(folder),
        migrationsTable: `migrations_${name}`,
        schema,
        direction: 'up',
        // The library's own lock gives up at once when another process holds it; ours waits.
        noLock: true,
        log: () => {},
      });
    }
  } finally {
    await client.end();
  }
}
