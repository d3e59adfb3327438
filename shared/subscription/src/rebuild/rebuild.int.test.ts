import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { sqlStateOf } from '@micromart/postgres/failure';
import { until } from '@micromart/testing/until';
import { listActs } from '../acts/acts.ts';
import { createTestBroker } from '../testing/broker.ts';
import { COUNTED } from '../testing/counted-model.ts';
import { NEXT, openRebuilding, operator, type Rebuilding, watchReaders } from '../testing/rebuilding.ts';

let shop: Rebuilding;
beforeEach(async () => {
  shop = await openRebuilding();
});
afterEach(() => shop.close());

const AGAIN = `${COUNTED}~3`;

describe('a rebuild', () => {
  test('builds the same from the log, says so, and becomes live and dropped when it is told to', async () => {
    shop.source.appendMany(5_000);
    const one = await shop.start();
    await one.read(shop.end());
    const begun = await one.rebuilds.begin({ by: 'operator', maxBytes: undefined });
    expect(begun).toMatchObject({ id: NEXT, live: false, requestedBy: 'operator' });
    expect(begun.roomBytes).toBeGreaterThan(0);
    await shop.untilState(one, 'ready');
    expect((await one.rebuilds.show(NEXT)).comparison).toMatchObject({
      ...{ with: COUNTED, rows: 7, differing: 0, listed: [], position: shop.end(), otherHistory: null },
      ...{ newCounters: ['units'], leftOut: ['counted_lately'], parked: [], discarded: [] },
    });
    await one.rebuilds.switch(NEXT, operator);
    expect(one.live.of(COUNTED)).toMatchObject({ name: NEXT });
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());

    await one.rebuilds.drop(COUNTED, 'operator');
    await shop.untilState(one, 'dropped', COUNTED);
    await expect(one.rebuilds.drop(NEXT, 'operator')).rejects.toMatchObject({ code: 'conflict' });
    const question = { before: undefined, limit: 9, kind: undefined, by: 'operator', outcome: undefined };
    expect(await listActs(shop.pool, question)).toMatchObject([
      {
        kind: 'drop',
        target: NEXT,
        outcome: 'refused',
        result: { reason: expect.stringContaining('is live') },
      },
      { kind: 'drop', target: COUNTED, outcome: 'done' },
      { kind: 'switch', target: NEXT, outcome: 'done', result: { from: COUNTED, to: NEXT } },
      { kind: 'rebuild', target: COUNTED, outcome: 'done', result: { generation: NEXT } },
    ]);
    const { rows } = await shop.pool.query('SELECT count(*) AS n FROM public.counted');
    expect(rows[0].n).toBe(0);
    shop.source.appendMany(100);
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
  });

  test('shows no reader a wrong answer under traffic, while it is built, switched to and switched back from', async () => {
    shop.source.appendMany(3_000);
    const both = [await shop.start(), await shop.start()] as const;
    await both[0].read(shop.end());
    const traffic = shop.flow();
    const readers = watchReaders(both);
    await shop.begin(both[1]);
    await shop.untilState(both[0], 'ready');
    expect((await both[0].rebuilds.show(NEXT)).comparison).toMatchObject({ differing: 0 });
    const before = (await both[0].read()).position;
    await both[0].rebuilds.switch(NEXT, operator);
    expect((await both[1].read(before)).counts).toBeDefined();
    await both[1].rebuilds.switchBack(NEXT, operator);
    await both[0].rebuilds.switch(NEXT, operator);
    await both[1].rebuilds.drop(COUNTED, 'operator');
    await shop.untilState(both[0], 'dropped', COUNTED);
    await traffic.stop();
    expect((await both[0].read(shop.end())).counts).toEqual(shop.expected());
    expect((await both[1].read(shop.end())).counts).toEqual(shop.expected());
    expect(await readers.stop()).toEqual([]);
  });

  test('does the same where a transport brings events to the live generation, whichever that is', async () => {
    const broker = createTestBroker({ partitions: 4 });
    const publish = (count: number) => broker.publish(shop.source.log, shop.source.appendMany(count));
    const both = [
      await shop.start({ transport: broker.transport() }),
      await shop.start({ transport: broker.transport() }),
    ] as const;
    publish(2_000);
    await both[0].read(shop.end());
    const readers = watchReaders(both);
    await shop.begin(both[0]);
    await shop.untilState(both[0], 'ready');
    const assignedTo = (name: string) =>
      both.reduce((total, one) => total + (one.subscription(name)?.assigned()?.size ?? 0), 0);
    await until(() => assignedTo(COUNTED) === 4);
    await both[0].rebuilds.switch(NEXT, operator);
    publish(100);
    await both[1].read(shop.end());
    await until(() => assignedTo(NEXT) === 4);
    expect(assignedTo(COUNTED)).toBe(0);
    publish(100);
    await both[0].rebuilds.switchBack(NEXT, operator);
    publish(100);
    expect((await both[1].read(shop.end())).counts).toEqual(shop.expected());
    expect(await readers.stop()).toEqual([]);
  });

  test('goes on in another instance when the one that builds it is gone, and in a new one when all are', async () => {
    shop.source.appendMany(2_000);
    let [one, other] = [await shop.start(), await shop.start()];
    await shop.begin(one);
    await until(() => [one, other].some((each) => each.subscription(NEXT)?.isLeader()));
    if (other.subscription(NEXT)?.isLeader()) [one, other] = [other, one];
    await one.close();
    shop.source.appendMany(2_000);
    await shop.untilState(other, 'ready');
    await other.close();
    shop.source.appendMany(2_000);
    const third = await shop.start();
    await third.rebuilds.compare(NEXT, 'operator');
    await shop.untilState(third, 'ready');
    expect((await third.rebuilds.show(NEXT)).comparison).toMatchObject({ differing: 0 });
  });

  test('is one at a time, and can be cancelled; a further one drops the generation that was live before', async () => {
    shop.source.appendMany(50);
    const one = await shop.start();
    await shop.begin(one);
    await expect(shop.begin(one)).rejects.toMatchObject({ code: 'conflict' });
    await shop.untilState(one, 'ready');
    await expect(shop.begin(one)).rejects.toMatchObject({ code: 'conflict' });
    await expect(one.rebuilds.drop(COUNTED, 'operator')).rejects.toMatchObject({ code: 'conflict' });
    await one.rebuilds.drop(NEXT, 'operator');
    await shop.untilState(one, 'dropped');
    const schemas = await shop.pool.query("SELECT nspname FROM pg_namespace WHERE nspname LIKE 'counted%'");
    expect(schemas.rows).toEqual([]);

    await shop.begin(one);
    await shop.untilState(one, 'ready', AGAIN);
    await one.rebuilds.switch(AGAIN, operator);
    await shop.begin(one);
    await shop.untilState(one, 'dropped', COUNTED);
    await shop.untilState(one, 'ready', `${COUNTED}~4`);
  });

  test('is refused where it takes more room than there is, before anything is made', async () => {
    const one = await shop.start();
    await expect(one.rebuilds.begin({ by: 'operator', maxBytes: 1_000 })).rejects.toMatchObject({
      code: 'unprocessable',
      extras: { type: 'not-enough-room' },
    });
    expect(await one.rebuilds.list()).toHaveLength(1);
  });

  test('says why it gets no further where its role may make no schema, and goes on when it may', async () => {
    const one = await shop.start();
    const { database, user } = (
      await shop.pool.query('SELECT current_database() AS database, current_user AS user')
    ).rows[0];
    await shop.pool.query(`REVOKE CREATE ON DATABASE ${database} FROM ${user}`);
    await shop.begin(one);
    await until(async () => (await one.rebuilds.show(NEXT)).reason?.includes('permission denied'));
    await shop.pool.query(`GRANT CREATE ON DATABASE ${database} TO ${user}`);
    await shop.untilState(one, 'ready');
    expect((await one.rebuilds.show(NEXT)).reason).toBeNull();
  });
});

describe('a switch', () => {
  test('waits until the other generation has reached the live positions, and does nothing where it does not', async () => {
    shop.source.appendMany(500);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    const readers = watchReaders([one]);
    const next = one.subscription(NEXT);
    await next.control.pause();
    shop.source.appendMany(40);
    await one.read(shop.end());
    await expect(one.rebuilds.switch(NEXT, operator)).rejects.toMatchObject({
      code: 'unavailable',
      extras: { type: 'rebuild-behind' },
    });
    expect(one.live.of(COUNTED)).toMatchObject({ name: COUNTED });

    const switching = one.rebuilds.switch(NEXT, operator);
    await until(standsStill);
    await next.control.resume();
    await switching;
    expect((await one.read(shop.end())).counts).toEqual(shop.expected());
    expect(await readers.stop()).toEqual([]);
  });

  /** Whether the live positions are locked. */
  const standsStill = () =>
    shop.pool
      .query('SELECT 1 FROM subscription_positions WHERE subscription = $1 FOR UPDATE NOWAIT', [COUNTED])
      .then(() => false, isLocked);
  const isLocked = (error: unknown) => sqlStateOf(error) === '55P03';

  test('would show counters that go back, were only the pointer moved', async () => {
    shop.source.appendMany(500);
    const one = await shop.start();
    await shop.begin(one);
    await shop.untilState(one, 'ready');
    await one.subscription(NEXT).control.pause();
    shop.source.appendMany(40);
    await one.read(shop.end());
    const before = await one.read();
    await shop.pool.query('UPDATE generations SET live = false WHERE name = $1', [COUNTED]);
    await shop.pool.query('UPDATE generations SET live = true WHERE name = $1', [NEXT]);
    const after = await one.read();
    expect(after.counts['key-0']).toBeLessThan(before.counts['key-0']!);
  });
});
