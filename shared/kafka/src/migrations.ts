import type { Migrations } from '@micromart/postgres/migrate';

/** What a relay remembers: it stands in a PostgreSQL database of the owner's. */
export const relayMigrations: Migrations = {
  name: 'relay',
  folder: new URL('./migrations/', import.meta.url),
};
