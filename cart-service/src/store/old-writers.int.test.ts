/** Carts that a version wrote before the service itself wrote the columns beside the state. */
import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { eventLogMigrations } from '@micromart/event-log-postgres/log';
import { migrate } from '@micromart/postgres/migrate';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { type Cart, openCart } from '../cart.ts';
import { openStore } from './open-store.ts';
import type { CartStore } from './store.ts';

let database: TestDatabase;
let store: CartStore;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(async () => {
  await store.close();
  await database.close();
});

const write = async (cart: Cart, id = randomUUID() as string) => {
  await database.admin.query('INSERT INTO carts (id, version, sequence, state) VALUES ($1, 1, 0, $2)', [
    id,
    cart,
  ]);
  return id;
};
const knowShopper = async (subject: string) => {
  const key = randomUUID();
  await database.admin.query('INSERT INTO shoppers (subject, key) VALUES ($1, $2)', [subject, key]);
  return key;
};
const stateOf = async (id: string) => (await store.carts.read(id))!.state;
const forget = (subject: string) => store.forget(subject, { now: new Date() });
const gone = expect.objectContaining({ state: 'closed', owner: null });

test('a cart without the columns is found when its shopper is forgotten', async () => {
  store = await openStore(database.url, () => {});
  const key = await knowShopper('judy');
  const open = await write(openCart('judy', key));
  const closed = await write({ ...openCart('judy', key), state: 'closed' });
  const closedLater = await write(openCart('judy', key));
  await database.admin.query('UPDATE carts SET version = 2, state = $2 WHERE id = $1', [
    closedLater,
    { ...openCart('judy', key), state: 'closed' },
  ]);
  await forget('judy');
  expect(await Promise.all([open, closed, closedLater].map(stateOf))).toEqual([gone, gone, gone]);
  await expect(write(openCart('judy', key))).rejects.toThrow('carts_open_for_known_shopper');
});

test('a cart older than this schema is found too, and loses its owner if its shopper is forgotten already', async () => {
  const before = await mkdtemp(join(tmpdir(), 'migrations-'));
  for (const file of ['001_carts.sql', '002_columns-by-the-service.sql'])
    await cp(new URL(`./migrations/${file}`, import.meta.url), join(before, file));
  await migrate(database.url, [eventLogMigrations, { name: 'carts', folder: pathToFileURL(`${before}/`) }]);
  await rm(before, { recursive: true });
  const key = await knowShopper('judy');
  const open = await write(openCart('judy', key));
  const closed = await write({ ...openCart('judy', key), state: 'closed' });
  const orphan = await write(openCart('mallory', randomUUID()));

  store = await openStore(database.url, () => {});
  expect(await stateOf(orphan)).toMatchObject({ owner: null });
  await forget('judy');
  expect(await Promise.all([open, closed].map(stateOf))).toEqual([gone, gone]);
});
