import type { Migrations } from '@micromart/postgres/migrate';

/** The tables of a follower. They are in its own database, beside what it builds from the events. */
export const subscriptionMigrations: Migrations = {
  name: 'subscription',
  folder: new URL('./migrations/', import.meta.url),
};
