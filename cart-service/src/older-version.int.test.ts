/** A rolling deploy: a process of an older version writes beside this one, on this one's schema. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import type { Running } from '@micromart/service/run';
import { describeOn } from '@micromart/testing/describe-on';
import { freePort } from '@micromart/testing/free-port';
import { openVersionBefore } from '@micromart/testing/older-version';
import { until } from '@micromart/testing/until';
import { type Asking, ask, openTestCarts, type TestCarts } from './testing/test-carts.ts';

const older = await openVersionBefore('cart-service/src/store/migrations/002_columns-by-the-service.sql', [
  'cart-service',
  'shared',
]);
afterAll(() => older.close());

describeOn(older, 'an older version beside this one', () => {
  let carts: TestCarts;
  let newer: Running;
  let child: ChildProcess;
  let olderUrl: string;
  let judy: string;
  let operator: string;

  beforeAll(async () => {
    carts = await openTestCarts();
    newer = await carts.start();
    const port = await freePort();
    olderUrl = `http://127.0.0.1:${port}`;
    const { issuer, jwks, audience } = { ...carts.issuer };
    child = spawn(process.execPath, [join(older.folder, 'cart-service/src/main.ts')], {
      env: {
        ...{ HOST: '127.0.0.1', PORT: String(port), LOG_LEVEL: 'error' },
        ...{ STORE_URL: carts.database.url, CATALOG_URL: carts.catalog.url },
        ...{ AUTH_JWKS: jwks, AUTH_ISSUER: issuer, AUTH_AUDIENCE: audience },
        SERVICE_TOKEN_FILE: carts.tokenFile,
      },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await until(async () => child.exitCode !== null || (await fetch(`${olderUrl}/health/ready`)).ok);
    expect(child.exitCode).toBeNull();
    [judy, operator] = await Promise.all([
      carts.issuer.token({ subject: 'judy', roles: ['shopper'] }),
      carts.issuer.token({ subject: 'olivia', roles: ['operator'] }),
    ]);
  });

  afterAll(async () => {
    if (child.exitCode === null) {
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    await newer.close();
    await carts.close();
  });

  const call = (url: string, method: string, path: string, asking: Asking & { token?: string } = {}) =>
    ask(url + path, method, { token: judy, ...asking });
  const open = async (url: string) => {
    const opened = await call(url, 'POST', '/carts');
    expect(opened.status).toBe(201);
    return opened.body.id as string;
  };
  const add = (url: string, id: string) =>
    call(url, 'POST', `/carts/${id}/items`, { body: { items: [{ productId: 'tea', quantity: 1 }] } });
  const close = (url: string, id: string) =>
    call(url, 'POST', `/carts/${id}/close`, { body: { reason: 'bought' } });

  test('writes carts that this version can change, and the other way round', async () => {
    for (const [first, second] of [
      [olderUrl, newer.url],
      [newer.url, olderUrl],
    ] as const) {
      const id = await open(first);
      for (const url of [first, second, first]) expect((await add(url, id)).status).toBe(200);
      const { body } = await call(second, 'GET', `/carts/${id}`);
      expect(body).toMatchObject({ version: 4, items: [{ productId: 'tea', quantity: 3 }] });
      expect((await close(second, id)).status).toBe(200);
    }
  });

  test("preserves when a cart was started; a cart that it started itself closes with its earliest line's time", async () => {
    const takeOut = (url: string, id: string) => call(url, 'DELETE', `/carts/${id}/items/tea`);
    const changedByBoth = await open(newer.url);
    const first = (await add(newer.url, changedByBoth)).body.items[0].addedAt;
    expect((await takeOut(olderUrl, changedByBoth)).body.items).toEqual([]);
    await add(olderUrl, changedByBoth);
    const late = await open(olderUrl);
    const earliest = (await add(olderUrl, late)).body.items[0].addedAt;
    for (const id of [changedByBoth, late]) expect((await close(newer.url, id)).status).toBe(200);
    const byOlder = await open(olderUrl);
    await add(newer.url, byOlder);
    expect((await close(olderUrl, byOlder)).status).toBe(200);
    const { rows } = await carts.database.admin.query(
      `SELECT subject, data FROM event_log_events WHERE type = 'cart.closed' AND subject = ANY ($1)`,
      [[changedByBoth, late, byOlder]],
    );
    const closes = new Map(rows.map(({ subject, data }) => [subject, data]));
    const line = { productId: 'tea', quantity: 1 };
    expect(closes.get(changedByBoth)).toMatchObject({ startedAt: first, items: [line] });
    expect(closes.get(late)).toMatchObject({ startedAt: earliest, items: [line] });
    expect(closes.get(byOlder)).not.toHaveProperty('items');
  });

  test('leaves no owned cart when the shopper is forgotten', async () => {
    const left = [await open(olderUrl), await open(newer.url), await open(olderUrl)];
    await add(olderUrl, left[1]!);
    await close(olderUrl, left[2]!);
    expect((await call(newer.url, 'DELETE', '/shoppers/judy', { token: operator })).status).toBe(204);
    const { rows } = await carts.database.admin.query(
      `SELECT DISTINCT state ->> 'state' AS state, state ->> 'owner' AS owner FROM carts`,
    );
    expect(rows).toEqual([{ state: 'closed', owner: null }]);
    for (const url of [olderUrl, newer.url])
      expect((await call(url, 'GET', `/carts/${left[0]}`)).status).toBe(404);
    expect((await add(olderUrl, await open(olderUrl))).status).toBe(200);
  });
});
