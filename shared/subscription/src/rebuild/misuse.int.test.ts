import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { inSnapshot } from '@micromart/postgres/pool';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { listParked } from '../dead-letters/parked-events.ts';
import { listGenerations } from '../generations/stored-generations.ts';
import { createSubscriptionMetrics } from '../metrics.ts';
import { startSubscription } from '../subscription.ts';
import { COUNTED, countedModel } from '../testing/counted-model.ts';
import { testLogger } from '../testing/follower.ts';
import { type Instance, NEXT, openRebuilding, operator, type Rebuilding } from '../testing/rebuilding.ts';
import { finishDrop } from './drop.ts';

let shop: Rebuilding;
beforeEach(async () => {
  shop = await openRebuilding();
});
afterEach(() => shop.close());

const accepted = { ...operator, acceptDifferences: true };
const conflict = (type: string) => ({ code: 'conflict', extras: { type } });
const ready = async (instance: Instance) => {
  await shop.begin(instance);
  await shop.untilState(instance, 'ready');
};
/** Whether anybody waits until another one has switched, begun or dropped a generation. */
const waitsForAnother = async () =>
  (await shop.pool.query("SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")).rows.length > 0;
const stoppedOf = async (name: string) =>
  (await shop.pool.query('SELECT stopped FROM subscriptions WHERE name = $1', [name])).rows[0]?.stopped;

describe('two at the same moment', () => {
  test('begin one rebuild, and the other one is told which', async () => {
    const both = [await shop.start(), await shop.start()];
    const order = { by: 'operator', maxBytes: undefined };
    const outcomes = await Promise.allSettled(both.map(({ rebuilds }) => rebuilds.begin(order)));
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: conflict('rebuild-under-way'),
    });
    expect((await both[0]!.rebuilds.list()).map(({ id }) => id)).toEqual([COUNTED, NEXT]);
  });

  test('switch once', async () => {
    shop.source.appendMany(20);
    const both = [await shop.start(), await shop.start()];
    await ready(both[0]!);
    const outcomes = await Promise.allSettled(both.map(({ rebuilds }) => rebuilds.switch(NEXT, operator)));
    expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: conflict('generation-is-live'),
    });
    await both[1]!.rebuilds.switchBack(NEXT, operator);
    await expect(both[0]!.rebuilds.switchBack(NEXT, operator)).rejects.toMatchObject(
      conflict('nothing-to-switch-back-to'),
    );
    for (const one of both) expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('a reader that began before a switch keeps what it reads, though somebody asked to drop it even earlier', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await ready(one);
    const next = one.subscription(NEXT);
    await next.control.pause();
    shop.source.appendMany(20);
    await one.read(shop.end());
    const switching = one.rebuilds.switch(NEXT, operator);
    const dropping = until(async () => {
      // Refused as long as the switch has not begun.
      const asked = one.rebuilds.drop(COUNTED, 'operator');
      return asked.then(() => true);
    });
    await until(waitsForAnother);
    await inSnapshot(shop.pool, async (client) => {
      const count = async () => (await client.query('SELECT sum(times)::int AS n FROM counted')).rows[0].n;
      await client.query('SELECT 1');
      await next.control.resume();
      await switching;
      await dropping;
      const [dropped] = await listGenerations(one.generations.pool, COUNTED);
      await finishDrop(one.generations, dropped!);
      expect(await count()).toBe(60);
    });
    await shop.untilState(one, 'dropped', COUNTED);
  });
});

describe('what is asked at the wrong moment', () => {
  test('is refused while it is built, and a rebuild can be cancelled then', async () => {
    shop.source.appendMany(20);
    const one = await shop.start();
    await one.read(shop.end());
    await one.subscription(COUNTED).control.pause();
    await shop.begin(one);
    // It is not compared while the live one is paused, and says so.
    await until(async () => (await one.rebuilds.show(NEXT)).reason?.includes('paused'));
    await expect(one.rebuilds.switch(NEXT, accepted)).rejects.toMatchObject(conflict('rebuild-not-ready'));
    await expect(one.rebuilds.compare(NEXT, 'operator')).rejects.toMatchObject(conflict('rebuild-not-ready'));
    await expect(one.rebuilds.switchBack(NEXT, operator)).rejects.toMatchObject({ code: 'conflict' });
    await one.rebuilds.drop(NEXT, 'operator');
    await shop.untilState(one, 'dropped');
    for (const act of [
      () => one.rebuilds.drop(NEXT, 'operator'),
      () => one.rebuilds.switch(NEXT, accepted),
      () => one.rebuilds.switch(`${COUNTED}~1`, accepted),
      () => one.rebuilds.compare("x'; DROP TABLE generations; --", 'operator'),
      () => one.rebuilds.show('__proto__'),
    ])
      await expect(act()).rejects.toMatchObject({ code: 'not-found' });
  });

  test('is refused where nothing is left to switch back to', async () => {
    const one = await shop.start();
    await ready(one);
    await one.rebuilds.switch(NEXT, operator);
    await one.rebuilds.drop(COUNTED, 'operator');
    await shop.untilState(one, 'dropped', COUNTED);
    await expect(one.rebuilds.switchBack(NEXT, operator)).rejects.toMatchObject(
      conflict('nothing-to-switch-back-to'),
    );
  });

  test('a switch is made while the live one is paused, and while the owner is away', async () => {
    shop.source.appendMany(20);
    const one = await shop.start();
    await ready(one);
    await one.read(shop.end());
    shop.source.setUnavailable(true);
    await one.subscription(COUNTED).control.pause();
    await one.rebuilds.switch(NEXT, operator);
    expect((await one.read()).counts).toEqual(shop.expected());
    shop.source.setUnavailable(false);
    shop.source.appendMany(20);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });
});

describe('an odd log', () => {
  test('without events is rebuilt', async () => {
    const one = await shop.start();
    await ready(one);
    expect((await one.rebuilds.show(NEXT)).comparison).toMatchObject({
      rows: 0,
      differing: 0,
      otherHistory: null,
    });
    await one.rebuilds.switch(NEXT, operator);
    shop.source.appendMany(10);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('of events that are all parked is rebuilt', async () => {
    for (let n = 0; n < 8; n += 1) shop.source.append(n % 4, `bad-${n}`, { invalid: true });
    const one = await shop.start();
    await ready(one);
    const parked = await listParked(shop.pool, {
      ...{ subscriptions: [NEXT], state: 'parked', after: '0', limit: 100 },
    });
    expect(parked).toHaveLength(8);
    expect((await one.rebuilds.show(NEXT)).comparison).toMatchObject({ differing: 0, parked: [] });
    await one.rebuilds.switch(NEXT, operator);
    expect((await one.read()).counts).toEqual({});
  });

  test('that is replaced while it is read makes no generation ready; another rebuild does', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await one.read(shop.end());
    await one.subscription(COUNTED).control.pause();
    await shop.begin(one);
    // Built, but not compared yet.
    await until(async () => (await one.rebuilds.show(NEXT)).events.applied === 40);
    shop.source.replace('test-2');
    shop.source.appendMany(12);
    await until(() => stoppedOf(NEXT));
    await one.subscription(COUNTED).control.resume();
    await until(() => stoppedOf(COUNTED));
    for (let looks = 0; looks < 3; looks += 1) await one.generations.look();
    expect(await one.rebuilds.show(NEXT)).toMatchObject({ state: 'building', reason: 'source-replaced' });
    await expect(one.rebuilds.switch(NEXT, accepted)).rejects.toMatchObject(conflict('rebuild-not-ready'));
    await one.rebuilds.drop(NEXT, 'operator');
    await shop.begin(one);
    await shop.untilState(one, 'ready', `${COUNTED}~3`);
    await one.rebuilds.switch(`${COUNTED}~3`, accepted);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('that is replaced when all is ready leaves nothing to switch to', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await ready(one);
    shop.source.replace('test-2');
    shop.source.appendMany(12);
    for (const name of [COUNTED, NEXT]) await until(() => stoppedOf(name));
    await expect(one.rebuilds.switch(NEXT, accepted)).rejects.toMatchObject(conflict('rebuild-not-ready'));
  });
});

test('a generation that cannot be opened says why, and keeps no instance from following the live one', async () => {
  shop.source.appendMany(20);
  let isBroken = true;
  const model = countedModel(shop.database.url);
  const broken: typeof model = {
    ...model,
    async open(generation) {
      if (generation.number > 1 && isBroken) throw new Error('its storage cannot be read');
      return model.open(generation);
    },
  };
  const one = await shop.start({ model: broken });
  await shop.begin(one);
  await until(async () => (await one.rebuilds.show(NEXT)).reason === 'its storage cannot be read');
  await one.close();
  const other = await shop.start({ model: broken });
  shop.source.appendMany(20);
  expect((await other.read(shop.end())).counts).toEqual(shop.expected());
  isBroken = false;
  await shop.untilState(other, 'ready');
  expect((await other.rebuilds.show(NEXT)).reason).toBeNull();
});

test('a follower that could not be opened in its new role is opened later', async () => {
  shop.source.appendMany(20);
  const model = countedModel(shop.database.url);
  let isFailing = false;
  const opened = new Set<object>();
  const one = await shop.start({
    model: {
      ...model,
      async open(generation) {
        if (isFailing) {
          isFailing = false;
          throw new Error('too many connections');
        }
        const open = await model.open(generation);
        const handle = {};
        opened.add(handle);
        return {
          ...open,
          async close() {
            // As a pool's end does.
            if (!opened.delete(handle)) throw new Error('closed twice');
            await open.close();
          },
        };
      },
    },
  });
  await ready(one);
  isFailing = true;
  await one.rebuilds.switch(NEXT, operator).catch(() => {});
  shop.source.appendMany(20);
  expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  await until(() => opened.size === 2);
});

test('a process of a version that knows no generations counts nothing twice beside others, and nothing after the drop', async () => {
  shop.source.appendMany(200);
  const model = countedModel(shop.database.url);
  const first = { name: COUNTED, model: COUNTED, number: 1, shape: 1, state: 'ready', live: true } as const;
  const { projection } = await model.open(first);
  const old = startSubscription({
    ...{ name: COUNTED, url: shop.database.url, source: shop.source, projection, logger: testLogger },
    ...{ metrics: createSubscriptionMetrics(new Registry()), limits: { headWaitS: 1 } },
  });
  const inFirst = async () =>
    (await shop.pool.query('SELECT sum(times)::int AS n FROM public.counted')).rows[0].n;
  try {
    await until(async () => (await inFirst()) === 200);
    const one = await shop.start();
    // It leads the live generation, and knows nothing of rebuilds: another one takes them further.
    expect(old.isLeader()).toBe(true);
    await shop.begin(one);
    await until(async () => (await one.rebuilds.show(NEXT)).state === 'ready');
    shop.source.appendMany(100);
    await one.rebuilds.switch(NEXT, operator);
    shop.source.appendMany(100);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
    await until(async () => (await inFirst()) === 400);
    await one.rebuilds.drop(COUNTED, 'operator');
    await shop.untilState(one, 'dropped', COUNTED);
    shop.source.appendMany(100);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
    await old.control.resume().catch(() => {});
    shop.source.appendMany(100);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
    expect(await inFirst()).toBeNull();
  } finally {
    await old.close();
  }
});
