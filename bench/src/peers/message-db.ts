/** message-db's `write_message`, from its own SQL files, driven by pgbench; there is no state and no idempotency record. */
import { readdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { Pool } from '@micromart/postgres/pool';
import type { Server } from '../database.ts';
import { requireSame } from '../protocol.ts';
import { type Drive, driveByPgbench } from './drive-by-pgbench.ts';

const SCRIPT = `\\set cart random(0, 1999)
SELECT message_store.write_message(gen_random_uuid()::text, 'cart-' || :cart::text, 'cart.item-added',
  '{"cartId":"6f9619ff-8b86-4011-b42d-00c04fc964ff","shopper":"0b8c1c5e-6d0e-4d5b-9b86-6a4f5a1b2c3d","productId":"product-1","quantity":2,"cartVersion":3}'::jsonb);
`;

export const writeByMessageDb = (server: Server, drive: Drive): Promise<number> =>
  driveByPgbench(server, drive, {
    script: SCRIPT,
    prepare: install,
    async check(pool, transactions) {
      const { rows } = await pool.query('SELECT count(*)::int AS messages FROM message_store.messages');
      requireSame('messages', rows[0].messages, transactions);
    },
  });

/** What its install.sh does, without psql and without its roles; PostgreSQL has gen_random_uuid by itself since 13. */
async function install(pool: Pool): Promise<void> {
  const folder = join(
    dirname(createRequire(import.meta.url).resolve('@eventide/message-db/package.json')),
    'database',
  );
  await pool.query('CREATE SCHEMA message_store; SET search_path = message_store, public');
  for (const part of ['types', 'tables', 'functions', 'indexes']) {
    const files = (await readdir(join(folder, part))).filter((file) => file.endsWith('.sql')).sort();
    for (const file of files) await pool.query(await readFile(join(folder, part, file), 'utf8'));
  }
  await pool.query(
    "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = message_store, public', current_database()); END $$",
  );
}
