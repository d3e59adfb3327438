import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';
import { type Ask, openShop, type Shop } from './testing/shop.ts';

let shop: Shop;
let alice: Ask;

beforeAll(async () => {
  shop = await openShop();
  alice = await shop.shopper('alice');
});

afterAll(() => shop.close());

async function addTea(times: number): Promise<string> {
  const { body } = await alice('POST', '/carts');
  let position = '';
  for (let n = 0; n < times; n += 1) {
    const items = [{ productId: 'tea', quantity: 1 }];
    const { headers } = await alice('POST', `/carts/${body.id}/items`, { body: { items } });
    position = headers.get('position')!;
  }
  return position;
}

test("stops, and says so, after the cart's database was emptied, and counts nothing of the new history", async () => {
  const cart = await shop.startCart();
  const tracking = await shop.startTracking();
  const position = await addTea(3);
  const consistent = { headers: { 'consistent-with': position, prefer: 'wait=20' } };
  expect((await shop.business('GET', '/products/tea/counts', consistent)).body.added).toBe(3);

  await cart.close();
  await shop.cartDatabase.admin.query('DROP SCHEMA public CASCADE; CREATE SCHEMA public');
  await shop.startCart();
  const elsewhere = await addTea(40);

  const readiness = () => shop.business('GET', '/health/ready');
  const isStopped = async () => {
    const part = (await readiness()).body.parts['subscription cart-events'];
    return !part.ok && part.detail.includes('source-replaced');
  };
  await until(isStopped);
  // It can still answer, and an operator must be able to reach it.
  expect(await readiness()).toMatchObject({ status: 200, body: { ready: true, degraded: true } });
  const { body } = await shop.operator('GET', '/subscriptions');
  expect(body.items).toMatchObject([
    { state: 'stopped', reason: expect.stringContaining('source-replaced') },
  ]);
  expect((await shop.operator('POST', '/subscriptions/cart-events/resume')).status).toBe(409);
  expect((await shop.business('GET', '/products/tea/counts')).body.added).toBe(3);
  const token = { headers: { 'consistent-with': elsewhere } };
  expect((await shop.business('GET', '/products/tea/counts', token)).status).toBe(409);

  await tracking.close();
  const { url } = await shop.startTracking();
  await until(isStopped);
  await until(async () => (await shop.operator('GET', '/subscriptions')).body.items[0].state === 'stopped');
  expect((await shop.business('GET', '/products/tea/counts')).body.added).toBe(3);

  // A rebuild follows the present log from its first event, and the switch makes it live.
  const begun = await shop.operator('POST', '/rebuilds');
  expect(begun).toMatchObject({ status: 202, body: { state: 'creating', live: false } });
  const rebuild = begun.headers.get('location')!;
  await until(async () => (await shop.operator('GET', rebuild)).body.state === 'ready');
  const { comparison } = (await shop.operator('GET', rebuild)).body;
  expect(comparison).toMatchObject({ position: null, otherHistory: expect.stringContaining('replaced') });
  expect(comparison.listed).toContainEqual({
    table: 'counts_total',
    key: { product_id: 'tea' },
    live: { added: 3, units_added: 3 },
    other: { added: 40, units_added: 40 },
  });
  expect((await shop.business('GET', '/products/tea/counts')).body.added).toBe(3);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  for (const line of [
    /^generation_state\{generation="cart-events~2",state="ready".*\} 1$/m,
    /^generation_live\{generation="cart-events~2".*\} 0$/m,
    /^generation_hindered\{generation="cart-events".*\} 1$/m,
    /^sweep_overdue_seconds\{table="counts_by_minute".*\} 0$/m,
    /^sweep_overdue_seconds\{table="cart_events_2.counts_by_minute".*\} 0$/m,
  ])
    expect(metrics).toMatch(line);
  expect(await shop.operator('POST', `${rebuild}/switch`)).toMatchObject({
    status: 409,
    body: { type: '/problems/generations-differ' },
  });
  const accepted = { body: { acceptDifferences: true } };
  expect((await shop.operator('POST', `${rebuild}/switch`, accepted)).status).toBe(200);
  expect(await shop.business('GET', '/products/tea/counts', token)).toMatchObject({
    status: 200,
    body: { added: 40 },
  });
  await until(async () => (await readiness()).body.degraded === false);
  const shown = (await shop.operator('GET', '/subscriptions')).body;
  expect(shown.items).toMatchObject([{ name: 'cart-events~2' }]);
  expect(shown.others).toMatchObject([{ name: 'cart-events', state: 'stopped' }]);
  expect((await shop.operator('POST', `${rebuild}/switch-back`)).status).toBe(409);
});
