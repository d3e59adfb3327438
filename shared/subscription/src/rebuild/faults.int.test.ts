import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sqlStateOf } from '@micromart/postgres/failure';
import { inSnapshot } from '@micromart/postgres/pool';
import { openTcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import { createApplyBatch } from '../apply/apply-batch.ts';
import { StaleFence } from '../apply/fence.ts';
import { listParked } from '../dead-letters/parked-events.ts';
import { readFresh } from '../freshness/freshness.ts';
import { createLiveGenerations } from '../generations/live-generations.ts';
import { COUNTED, countedModel } from '../testing/counted-model.ts';
import {
  type Instance,
  NEXT,
  openRebuilding,
  operator,
  type Rebuilding,
  watchReaders,
} from '../testing/rebuilding.ts';
import { testEvent } from '../testing/source.ts';
import { hold } from './hold.ts';

let shop: Rebuilding;
beforeEach(async () => {
  shop = await openRebuilding();
});
afterEach(() => shop.close());

const accepted = { ...operator, acceptDifferences: true };
const parkedIn = (subscription: string, state: 'parked' | 'retried' | 'discarded' = 'parked') =>
  listParked(shop.pool, { subscriptions: [subscription], state, after: '0', limit: 100 });
const comparisonOf = async ({ rebuilds }: Instance) => (await rebuilds.show(NEXT)).comparison;

describe('what operators decide of parked events', () => {
  test('a discard holds in the generation that comes to the event later', async () => {
    shop.source.append(0, 'bad', { invalid: true });
    shop.source.appendMany(50);
    const one = await shop.start();
    const [parked] = await until(async () => (await parkedIn(COUNTED)).length > 0 && parkedIn(COUNTED));
    await one.subscription(COUNTED).parking.discard(parked!.id, 'operator');
    await one.read(shop.end());
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    expect(await parkedIn(NEXT)).toEqual([]);
    expect(await comparisonOf(one)).toMatchObject({ differing: 0, parked: [], discarded: [] });
  });

  test.each([
    ['a retry and a discard', false],
    ['a retry and a discard of many', true],
  ])('%s act in all generations', async (_, ofMany) => {
    for (const key of ['retried', 'discarded']) {
      shop.source.append(0, key, { invalid: true });
      shop.source.append(0, key);
    }
    shop.source.appendMany(50);
    let isFixed = false;
    const isValid = ({ data, partitionkey }: ReturnType<typeof testEvent>) =>
      !(data as { invalid?: true }).invalid || (isFixed && partitionkey === 'retried');
    const one = await shop.start({ model: countedModel(shop.database.url, { isValid }) });
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    expect(await parkedIn(COUNTED)).toHaveLength(4);
    expect(await parkedIn(NEXT)).toHaveLength(4);
    expect(await comparisonOf(one)).toMatchObject({ differing: 0, parked: [] });

    isFixed = true;
    const { parking } = one.subscription(COUNTED);
    const first = async (key: string) => (await parkedIn(COUNTED)).find((event) => event.key === key)!.id;
    const retried = ofMany
      ? parking.retryMany({ key: 'retried' }, 'operator')
      : parking.retry(await first('retried'), 'operator');
    expect(await retried).toMatchObject({ applied: 2 });
    const discarded = ofMany
      ? parking.discardMany({ key: 'discarded' }, 'operator')
      : parking.discard(await first('discarded'), 'operator');
    expect(await discarded).toMatchObject({ applied: 1 });
    expect(await parkedIn(NEXT)).toEqual([]);
    expect(await parkedIn(NEXT, 'discarded')).toMatchObject([{ key: 'discarded' }]);
    await one.rebuilds.switch(NEXT, operator);
    expect((await one.read()).counts).toMatchObject({ retried: 2, discarded: 1 });
  });

  test('a discard that did not reach a generation is carried out there later', async () => {
    shop.source.append(0, 'bad', { invalid: true });
    const one = await shop.start();
    await shop.begin(one);
    await until(async () => (await parkedIn(NEXT)).length === 1);
    await until(async () => (await parkedIn(COUNTED)).length === 1);
    // As if the process had died between the two.
    await shop.pool.query("UPDATE parked_events SET state = 'discarded' WHERE subscription = $1", [COUNTED]);
    await until(async () => (await parkedIn(NEXT, 'discarded')).length === 1);
  });

  test('a discard of many gives up nothing that is parked in another generation alone', async () => {
    shop.source.append(0, 'both', { invalid: true });
    shop.source.append(1, 'other', { invalid: true });
    const isOf = (isOther: boolean) =>
      countedModel(shop.database.url, {
        isValid: ({ data, partitionkey }) =>
          !(data as { invalid?: true }).invalid || (partitionkey === 'other' && !isOther),
      });
    const one = await shop.start({
      model: { ...isOf(false), open: (generation) => isOf(generation.number > 1).open(generation) },
    });
    await shop.begin(one);
    await until(async () => (await parkedIn(NEXT)).length === 2);
    await one.subscription(COUNTED).parking.discardMany({}, 'operator');
    expect(await parkedIn(NEXT, 'discarded')).toMatchObject([{ key: 'both' }]);
    expect(await parkedIn(NEXT)).toMatchObject([{ key: 'other' }]);
  });

  test('an event that one generation alone has parked is listed, beside the rows that differ for it', async () => {
    shop.source.append(1, 'odd', { invalid: true });
    shop.source.appendMany(20);
    const model = countedModel(shop.database.url);
    const tolerant = countedModel(shop.database.url, { isValid: () => true });
    const one = await shop.start({
      model: { ...model, open: (generation) => (generation.number > 1 ? tolerant : model).open(generation) },
    });
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    expect(await comparisonOf(one)).toMatchObject({
      differing: 1,
      listed: [{ table: 'counted', key: { key: 'odd' }, live: { times: 0 }, other: { times: 1 } }],
      parked: [{ generation: COUNTED, partition: 1, sequence: 1 }],
    });
    await expect(one.rebuilds.switch(NEXT, operator)).rejects.toMatchObject({
      code: 'conflict',
      extras: { type: 'generations-differ' },
    });
    await one.rebuilds.switch(NEXT, accepted);
    expect((await one.read(shop.end())).counts.odd).toBe(1);
  });
});

describe('a shape', () => {
  test('brings a new counter that holds from the first event, and instances of the old one answer 503', async () => {
    for (let n = 0; n < 30; n += 1) shop.source.append(0, 'tea', { units: 2 });
    const old = await shop.start();
    await old.read(shop.end());
    const renewed = await shop.start({ model: countedModel(shop.database.url, { shape: 2 }) });
    await shop.begin(renewed);
    await until(async () => (await renewed.rebuilds.show(NEXT)).state === 'ready');
    expect(await comparisonOf(renewed)).toMatchObject({ differing: 0, newCounters: ['units'] });
    expect(old.subscription(NEXT)).toBeUndefined();
    await expect(old.rebuilds.switch(NEXT, operator)).rejects.toMatchObject({
      extras: { type: 'generation-unknown' },
    });
    await renewed.rebuilds.switch(NEXT, operator);
    shop.source.append(0, 'tea', { units: 5 });
    await renewed.read(shop.end());
    const { rows } = await shop.pool.query('SELECT times, units FROM counted_keys_2.counted');
    expect(rows).toEqual([{ times: 31, units: 65 }]);

    await expect(old.read()).rejects.toMatchObject({
      code: 'unavailable',
      extras: { type: 'generation-unknown' },
    });
    expect(old.live.serves(COUNTED)).toBe(false);
    await renewed.rebuilds.switchBack(NEXT, operator);
    expect((await old.read(shop.end())).counts).toEqual({ tea: 31 });
  });
});

describe('a replaced log', () => {
  test('is followed from its first event by a rebuild, and live after its switch', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await one.read(shop.end());
    const gone = shop.end();
    shop.source.replace('test-2');
    shop.source.appendMany(12);
    const isStopped = async () =>
      (await shop.pool.query('SELECT stopped FROM subscriptions WHERE name = $1', [COUNTED])).rows[0].stopped;
    await until(isStopped);
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    expect(await comparisonOf(one)).toMatchObject({ position: null, differing: 7 });
    await expect(one.rebuilds.switch(NEXT, operator)).rejects.toMatchObject({ code: 'conflict' });
    await one.rebuilds.switch(NEXT, accepted);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
    await expect(one.read(gone)).rejects.toMatchObject({ code: 'conflict' });
    await expect(one.rebuilds.switchBack(NEXT, operator)).rejects.toMatchObject({ code: 'conflict' });
  });
});

describe('what is late', () => {
  test('a hold ends by itself, for whoever asked for it may have died', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    await one.read(shop.end());
    await hold(shop.pool, [COUNTED, NEXT]);
    shop.source.appendMany(40);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('a writer to a dropped generation meets the fence', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    const { projection } = await countedModel(shop.database.url).open({
      ...{ name: NEXT, model: COUNTED, number: 2, shape: 1, state: 'ready', live: false },
    });
    await one.rebuilds.drop(NEXT, 'operator');
    const late = createApplyBatch({ pool: shop.pool, subscription: NEXT, projection, parkedEvents: 10 });
    const event = testEvent({ partition: 0, sequence: 11 });
    await expect(late([{ event, parsed: event }])).rejects.toBeInstanceOf(StaleFence);
    await shop.untilState(one, 'dropped');
    await expect(late([{ event, parsed: event }])).rejects.toBeInstanceOf(StaleFence);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('a reader that began while a generation was live keeps its storage until it ends', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    await one.read(shop.end());
    const slow = inSnapshot(shop.pool, async (client) => {
      await client.query('SELECT 1');
      await one.rebuilds.switch(NEXT, operator);
      await one.rebuilds.drop(COUNTED, 'operator');
      for (let looks = 0; looks < 3; looks += 1) await one.generations.look();
      return (await client.query('SELECT count(*) AS n FROM counted')).rows[0].n;
    });
    expect(await slow).toBe(7);
    await shop.untilState(one, 'dropped', COUNTED);
  });

  test('a reader whose knowledge is out of date reads again, and never from another generation', async () => {
    shop.source.appendMany(40);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    await one.rebuilds.switch(NEXT, operator);
    await one.rebuilds.switchBack(NEXT, operator);
    await one.rebuilds.drop(NEXT, 'operator');
    await shop.untilState(one, 'dropped');
    const live = createLiveGenerations([countedModel(shop.database.url)]);
    live.learn([{ model: COUNTED, name: NEXT, number: 2, shape: 1 }]);
    let reads = 0;
    const failures: unknown[] = [];
    const { value } = await readFresh(
      shop.pool,
      [COUNTED],
      async (client) => {
        reads += 1;
        const { rows } = await client.query('SELECT sum(times)::int AS n FROM counted').catch((error) => {
          failures.push(sqlStateOf(error));
          throw error;
        });
        return rows[0].n;
      },
      { live },
    );
    expect({ value, reads, failures }).toEqual({ value: 40, reads: 2, failures: ['42P01'] });
  });

  test('a database that breaks every connection, again and again, changes no answer', async () => {
    shop.source.appendMany(3_000);
    const url = new URL(shop.database.url);
    const proxy = await openTcpProxy({ host: url.hostname, port: Number(url.port) });
    url.host = `127.0.0.1:${proxy.port}`;
    const [one, other] = [await shop.start({ url: url.href }), await shop.start()];
    const readers = watchReaders([other]);
    await shop.begin(one);
    const traffic = shop.flow();
    for (let cut = 0; cut < 10; cut += 1) {
      if (cut % 2 === 0) proxy.cutReplies();
      else proxy.cutAll();
      await shop.pool.query('SELECT pg_sleep(0.05)');
      proxy.restore();
      await shop.pool.query('SELECT pg_sleep(0.1)');
    }
    await shop.untilState(other, 'ready');
    await other.rebuilds.switch(NEXT, operator);
    proxy.cutReplies();
    await traffic.stop();
    proxy.restore();
    expect((await other.read(shop.end())).counts).toEqual(shop.expected());
    expect(await readers.stop()).toEqual([]);
    await one.close();
    await proxy.close();
  });
});
