import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { endEarly, signalOf } from '@micromart/http/server/answer-signal';
import { until } from '@micromart/testing/until';
import { listParked } from '../dead-letters/parked-events.ts';
import { createSubscriptionChecks } from '../status.ts';
import type { Subscription } from '../subscription.ts';
import { openTestFollower, type TestFollower } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';
import { createApplied } from './applied.ts';
import { createConsistency } from './consistency.ts';

let follower: TestFollower;
let source: TestSource;
let subscription: Subscription;

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(async () => {
  await follower.empty();
  source = createTestSource({ partitions: 2 });
  source.append(0, 'a');
  source.append(1, 'b');
  subscription = follower.start({ source, limits: { headWaitS: 1 } });
  await until(async () => (await follower.positions('test'))[1] === 1);
});
afterEach(() => subscription.close());

const never = new AbortController().signal;
const read = (position?: string, waitS = 0, { applied = subscription.applied, signal = never } = {}) =>
  createConsistency({ pool: follower.pool, subscriptions: () => ['test'], applied }).read(
    { headers: { 'Consistent-With': position, Prefer: `wait=${waitS}` }, signal },
    async (client) => (await client.query<{ n: number }>('SELECT count(*) AS n FROM applied')).rows[0]!.n,
  );
const token = ({ partition, sequence }: LoggedEvent) => `${source.log}/${partition}@${sequence}`;

describe('an answer', () => {
  test('carries its position and As-Of, from the snapshot of its data', async () => {
    const asOfPast = (time: string) =>
      until(async () => (await read()).headers['As-Of']! > time && (await read()).headers['As-Of']);
    const first = await asOfPast(source.events[1]![0]!.time);
    expect((await read()).headers.Position).toBe('test-1/0@1, test-1/1@1');
    expect((await read()).value).toBe(2);
    // It grows while nothing happens.
    await asOfPast(first as string);
  });

  test('is as of 1970 while nothing is known', async () => {
    await subscription.close();
    await follower.pool.query('UPDATE subscription_positions SET as_of = NULL WHERE partition = 1');
    expect((await read()).headers['As-Of']).toBe('1970-01-01T00:00:00.000Z');
  });

  test('is never as of the time of a parked event, until that is resolved', async () => {
    const bad = source.append(0, 'a', { invalid: true });
    await until(async () => (await follower.positions('test'))[0] === 2);
    const storedAsOf = async () =>
      (await follower.pool.query<{ at: Date }>('SELECT min(as_of) AS at FROM subscription_positions'))
        .rows[0]!.at;
    await until(async () => (await storedAsOf()).toISOString() > bad.time);
    expect((await read()).headers['As-Of']! < bad.time).toBe(true);
    const [parked] = await listParked(follower.pool, {
      subscriptions: ['test'],
      state: 'parked',
      after: '0',
      limit: 1,
    });
    await subscription.parking.discard(parked!.id, 'olga');
    expect((await read()).headers['As-Of']! > bad.time).toBe(true);
  });
});

describe('Consistent-With', () => {
  test('is answered at once when the position is included', async () => {
    expect((await read(token(source.events[0]![0]!))).value).toBe(2);
    expect((await read('test-1/0@1,test-1/1@0')).value).toBe(2);
  });

  test('waits for what is not included yet, and then the answer includes it', async () => {
    const waiting = read('test-1/0@3', 20);
    source.append(0, 'a');
    source.append(0, 'a');
    expect((await waiting).value).toBe(4);
  });

  test('finds out by a query when another instance applies', async () => {
    const waiting = read('test-1/0@2', 20, { applied: createApplied() });
    source.append(0, 'a');
    expect((await waiting).value).toBe(3);
  });

  test('is refused when the wait is over, with the number of events it is behind', async () => {
    await expect(read('test-1/1@9')).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('8 events behind'),
      extras: { type: 'not-yet-consistent', retryAfterS: 1 },
    });
  });

  test('ends its wait when the client has gone', async () => {
    const gone = new AbortController();
    const waiting = read('test-1/1@9', 30, { signal: gone.signal });
    gone.abort();
    await expect(waiting).rejects.toMatchObject({ extras: { type: 'not-yet-consistent' } });
  });

  test('waits a little longer when the service stops, because another instance applies', async () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const notifier = createApplied();
    let waits = 0;
    const applied = Object.assign(createApplied(), {
      next: (signal: AbortSignal, maxMs?: number) => {
        waits += 1;
        if (waits === 1) endEarly(response);
        if (waits === 2) source.append(0, 'a');
        return notifier.next(signal, maxMs);
      },
    });
    expect((await read('test-1/0@2', 30, { signal: signalOf(response), applied })).value).toBe(3);
  });

  test('does not delay a service that stops', async () => {
    const response = new ServerResponse(new IncomingMessage(new Socket()));
    const waiting = read('test-1/1@9', 30, { signal: signalOf(response) });
    endEarly(response);
    await expect(waiting).rejects.toMatchObject({ extras: { type: 'not-yet-consistent' } });
  });

  test('is refused at once when an event at or below it is parked, also while it waits', async () => {
    const waiting = read('test-1/0@3', 30);
    source.append(0, 'bad', { invalid: true });
    await expect(waiting).rejects.toMatchObject({ code: 'unavailable', extras: { type: 'parked' } });
    await expect(read('test-1/0@2')).rejects.toMatchObject({ extras: { type: 'parked' } });
    expect((await read('test-1/0@1')).value).toBe(2);
    expect((await read('test-1/1@1')).value).toBe(2);
  });

  test.each([
    ['another log', 'test-2/0@1', 'conflict'],
    ['a partition that is not there', 'test-1/7@1', 'invalid'],
    ['nonsense', 'yesterday', 'invalid'],
    ['nothing', '', 'invalid'],
  ])('refuses %s', async (_, position, code) => {
    await expect(read(position, 5)).rejects.toMatchObject({ code });
  });
});

describe('readiness', () => {
  const checksOf = (name: string, maxLagMs: number) => {
    const waiting = () => undefined;
    return createSubscriptionChecks({ pool: follower.pool, subscription: { name, waiting }, maxLagMs });
  };
  const check = (maxLagMs: number) => checksOf('test', maxLagMs)[1].check();

  test('holds while the subscription keeps up, and says which partition does not', async () => {
    await until(async () => (await check(30_000)).ok);
    await subscription.close();
    await follower.pool.query(
      "UPDATE subscription_positions SET as_of = now() - interval '1 minute' WHERE partition = 1",
    );
    expect(await check(30_000)).toEqual({
      ok: false,
      detail: expect.stringMatching(/^partition 1 is 6\d{4} ms behind/),
    });
  });

  test('fails when the source was replaced, and says so', async () => {
    source.replace('test-9');
    await until(() => subscription.control.state?.stopped);
    expect(await check(30_000)).toEqual({
      ok: false,
      detail: expect.stringMatching(/source-replaced.*test-9/),
    });
  });

  test('does not hold before everything was included once', async () => {
    await subscription.close();
    await follower.pool.query('UPDATE subscription_positions SET as_of = NULL WHERE partition = 0');
    expect(await check(30_000)).toEqual({ ok: false, detail: 'partition 0 has not caught up yet' });
  });

  test('does not hold before the source was reached', async () => {
    const [source, following] = checksOf('new', 1_000);
    expect(await source.check()).toMatchObject({ ok: false });
    expect(await following.check()).toMatchObject({ ok: false });
  });

  test('needs only a source that was reached: behind, paused or stopped, it is only degraded', async () => {
    await until(async () => (await check(30_000)).ok);
    await subscription.control.pause();
    await follower.pool.query("UPDATE subscription_positions SET as_of = now() - interval '1 hour'");
    const [source, following] = checksOf('test', 1_000);
    expect([source.optional ?? false, following.optional]).toEqual([false, true]);
    expect(await source.check()).toEqual({ ok: true });
    expect(await following.check()).toEqual({ ok: false, detail: 'paused by an operator' });
    await subscription.control.stop('source-replaced', 'gone');
    expect(await source.check()).toEqual({ ok: true });
    expect(await following.check()).toMatchObject({ ok: false, detail: 'stopped, source-replaced: gone' });
  });
});
