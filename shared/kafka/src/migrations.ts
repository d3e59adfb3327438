import type { Migrations } from '@micromart/postgres/migrate';

/** The tables of a relay, in a PostgreSQL database of the owner. */
export const relayMigrations: Migrations = {
  name: 'relay',
  folder: new URL('./migrations/', import.meta.url),
};
