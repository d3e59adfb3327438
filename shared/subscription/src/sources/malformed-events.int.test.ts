/** Events in an owner's feed that no owner of this tree would write. */
import { randomBytes } from 'node:crypto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { envelope, type LoggedEvent } from '@micromart/events/envelope';
import { until } from '@micromart/testing/until';
import fc from 'fast-check';
import { listParked } from '../dead-letters/parked-events.ts';
import { freshnessOf } from '../freshness/freshness.ts';
import { createSubscriptionChecks, readStatus } from '../status.ts';
import type { Subscription } from '../subscription.ts';
import { openTestFollower, type TestFollower } from '../testing/follower.ts';
import { type FeedForm, openRawFeed, type RawFeed } from '../testing/raw-feed.ts';
import { createTestSource, TEST_TYPE, type TestSource } from '../testing/source.ts';
import { createFeedSource } from './feed-source.ts';

const PARTITIONS = 3;
const RUNS = 20;
const CAP_MS = 120_000;
/** Longer than what a page of a PostgreSQL index takes, and not to be compressed. */
const LONG_TEXT = randomBytes(5_000).toString('hex');
const FORMS: FeedForm[] = ['pages', 'heads', 'lines'];

let follower: TestFollower;
let source: TestSource;
let feed: RawFeed;
let subscription: Subscription;

beforeAll(async () => {
  follower = await openTestFollower();
});
afterAll(() => follower.close());
beforeEach(begin);
afterEach(end);

async function begin() {
  await follower.empty();
  source = createTestSource({ partitions: PARTITIONS });
}
async function end() {
  await subscription.close();
  await feed.close();
}
async function follow(form: FeedForm, behind = 0) {
  feed = await openRawFeed(source, form, { behind });
  subscription = follower.start({ source: sourceOf(feed), limits: { headWaitS: 1 } });
}

const sourceOf = ({ url }: RawFeed) => createFeedSource({ url, token: async () => 'token' });
const spoil = (event: LoggedEvent, change: object) => Object.assign(event, change);
const caughtUp = () => until(() => follower.hasCaughtUp(source), { capMs: CAP_MS });
const parked = () =>
  listParked(follower.pool, { subscriptions: ['test'], state: 'parked', after: '0', limit: 1_000 });
const parkedPositions = async () =>
  (await parked()).map(({ partition, sequence }) => `${partition}@${sequence}`).sort();
const asOf = async () => {
  const client = await follower.pool.connect();
  try {
    return (await freshnessOf(client, ['test'])).asOf;
  } finally {
    client.release();
  }
};

describe.each(FORMS)('over %s', (form) => {
  test('a malformed event affects its key alone, and is listed as parked', async () => {
    source.appendMany(9);
    const first = spoil(source.append(0, 'bad'), { subject: '', note: 'kept as it came' });
    source.append(0, 'bad');
    source.append(0, 'good');
    await follow(form);
    await caughtUp();
    source.append(0, 'good');
    source.append(0, 'bad');
    source.append(1, 'good');
    await caughtUp();
    expect(await follower.applied()).toHaveLength(12);
    const list = await parked();
    expect(list.map(({ sequence, key }) => [sequence, key])).toEqual([4, 5, 8].map((n) => [n, 'bad']));
    expect(list[0]).toMatchObject({ attempts: 1, event: first });
    expect(list[0]!.reason).toContain('subject');
    const [status] = await readStatus(follower.pool, ['test']);
    expect(status!.partitions.map(({ parked, lagEvents }) => [parked, lagEvents])).toEqual([
      [3, 0],
      [0, 0],
      [0, 0],
    ]);
    expect(await follower.counted('subscription_events_parked_total')).toBeGreaterThanOrEqual(3);
    await until(async () => (await asOf()).getTime() === Date.parse(first.time) - 1);
  });

  test('one without a key affects its position alone, and As-Of stays before it', async () => {
    source.append(0, 'a');
    await follow(form);
    await until(async () => (await asOf()).getTime() > 0);
    const includedBefore = await asOf();
    const spoilt = [1, 2].map(() => spoil(source.append(0, 'a'), { partitionkey: '', time: 'yesterday' }));
    source.append(0, 'a');
    await caughtUp();
    expect(await follower.applied()).toHaveLength(2);
    expect((await parked()).map(({ key, event }) => [key, event])).toEqual(spoilt.map((one) => ['', one]));
    const at = (await asOf()).getTime();
    expect(at).toBeGreaterThanOrEqual(includedBefore.getTime() - 1);
    expect(at).toBeLessThan(Date.now());
    const [, second] = await parked();
    await subscription.parking.discard(second!.id, 'olga');
    expect(await parkedPositions()).toEqual(['0@2']);
  });

  test('an event without a valid position makes the subscription wait, and other partitions continue', async () => {
    source.appendMany(6);
    const event = spoil(source.append(1, 'lost'), { sequence: '9007199254740993' });
    await follow(form);
    const check = createSubscriptionChecks({ pool: follower.pool, subscription, maxLagMs: 60_000 })[1];
    await until(() => subscription.waiting()?.reason.includes('no valid position'), { capMs: CAP_MS });
    expect(await check.check()).toMatchObject({ ok: false, detail: expect.stringContaining('waits') });
    source.append(0, 'good');
    source.append(2, 'good');
    await until(
      async () => {
        const at = await follower.positions('test');
        return at[0] === 3 && at[2] === 3;
      },
      { capMs: CAP_MS },
    );
    expect(await parked()).toEqual([]);
    spoil(event, { sequence: '3' });
    await caughtUp();
    await until(() => subscription.waiting() === undefined);
  });

  test(
    'whatever an envelope contains, everything outside its key or its position is applied',
    async () => {
      await end().catch(() => {});
      await fc.assert(
        fc.asyncProperty(fc.array(appended, { minLength: 1, maxLength: 30 }), async (list) => {
          await begin();
          for (const { partition, key, change } of list) {
            const event = source.append(partition, key) as Record<string, unknown>;
            if (change) event[change.field] = change.value;
          }
          await follow(form);
          await caughtUp();
          const expected = expectedOf(source);
          expect((await follower.applied()).map(positionOf).sort()).toEqual(expected.applied);
          expect(await parkedPositions()).toEqual(expected.parked);
          const [status] = await readStatus(follower.pool, ['test']);
          const counts = status!.partitions.reduce((sum, one) => sum + one.parked, 0);
          expect(counts).toBe(expected.parked.length);
          await end();
        }),
        { numRuns: RUNS, endOnFailure: true },
      );
      await follow(form);
    },
    CAP_MS,
  );
});

test.each(['heads', 'lines'] as const)(
  'over %s, events beyond the heads that they came with are left for later heads',
  async (form) => {
    source.appendMany(9);
    spoil(source.append(0, 'far'), { sequence: '1000000' });
    spoil(source.append(0, 'nowhere'), { partition: PARTITIONS });
    await follow(form, 2);
    const { signal } = new AbortController();
    const after = new Map([[0, 0]]);
    for await (const { last, events } of sourceOf(feed).watch({ after, waitS: 1, events: 100, signal })) {
      expect([...last.values()]).toEqual([3, 1, 1]);
      expect(events!.map(positionOf)).toEqual(['0@1', '0@2', '0@3', '1@1', '2@1']);
      break;
    }
  },
);

test('a parked event is read again when it is retried', async () => {
  spoil(source.append(0, 'bad'), { subject: '' });
  source.append(0, 'bad');
  await follow('pages');
  await caughtUp();
  const [head] = await parked();
  const again = await subscription.parking.retry(head!.id, 'olga');
  expect(again).toMatchObject({ applied: 0, parked: 2, reason: expect.stringContaining('subject') });
  await follower.pool.query(
    `UPDATE parked_events SET event = jsonb_set(event::jsonb, '{subject}', '"mended"') WHERE id = $1`,
    [head!.id],
  );
  expect(await subscription.parking.retry(head!.id, 'olga')).toEqual({ applied: 2, parked: 0, reason: null });
  expect(await follower.applied()).toHaveLength(2);
});

test('an event whose key is longer than an index takes is parked, and so are the later ones of that key alone', async () => {
  const [bad, good] = [`${LONG_TEXT}-bad`, `${LONG_TEXT}-good`];
  spoil(source.append(0, bad), { subject: '' });
  source.append(0, good);
  await follow('pages');
  await caughtUp();
  source.append(0, bad);
  source.append(0, good);
  await caughtUp();
  expect((await follower.applied()).map(positionOf)).toEqual(['0@2', '0@4']);
  const [head, ...behind] = await parked();
  expect([head!, ...behind].map(({ sequence, key }) => [sequence, key])).toEqual([1, 3].map((n) => [n, bad]));
  await expect(subscription.parking.retry(behind[0]!.id, 'olga')).rejects.toThrow('waits behind');
  expect(await subscription.parking.discard(head!.id, 'olga')).toEqual({
    applied: 1,
    parked: 0,
    reason: null,
  });
});

/** An event's position, its key, and what is wrong with it. */
const appended = fc.record({
  partition: fc.nat(PARTITIONS - 1),
  key: fc.constantFrom('a', 'b', 'c'),
  change: fc.option(
    fc.record({
      field: fc.constantFrom(
        ...(['specversion', 'id', 'source', 'type', 'subject', 'time', 'datacontenttype'] as const),
        ...(['partitionkey', 'traceparent', 'data'] as const),
      ),
      value: fc.oneof(
        fc.constantFrom('', null, undefined, 0, -1, [], {}, '\0', '\ud800', LONG_TEXT),
        fc.constantFrom('0000-01-01T00:00:00Z', '9999-12-31T23:59:59.999999999Z', '2026-02-30T00:00:00Z'),
        fc.jsonValue({ maxDepth: 3 }),
      ),
    }),
    { freq: 2, nil: undefined },
  ),
});

const positionOf = ({ partition, sequence }: { partition: number; sequence: number | string }) =>
  `${partition}@${sequence}`;

/** What must be applied and what parked, according to the events in the source. */
function expectedOf({ events }: TestSource): { applied: string[]; parked: string[] } {
  const applied: string[] = [];
  const parked: string[] = [];
  const blocked = new Set<string>();
  for (const [partition, list] of events.entries())
    for (const [i, event] of list.entries()) {
      const raw: Partial<LoggedEvent> = JSON.parse(JSON.stringify(event));
      const position = positionOf({ partition, sequence: i + 1 });
      const key = typeof raw.partitionkey === 'string' ? raw.partitionkey : '';
      const isValid = envelope.safeParse(raw).success;
      if (isValid && raw.type !== TEST_TYPE) continue;
      // A table of PostgreSQL's cannot hold a NUL, so the test's projection fails on it.
      const isStorable = isValid && !key.includes('\0');
      const isGood = isStorable && raw.data !== null && raw.data !== undefined && !isInvalid(raw.data);
      if (isGood && !blocked.has(`${partition}/${key}`)) applied.push(position);
      else parked.push(position);
      if (!isGood && key !== '') blocked.add(`${partition}/${key}`);
    }
  return { applied: applied.sort(), parked: parked.sort() };
}

const isInvalid = (data: unknown): boolean => Boolean((data as { invalid?: unknown }).invalid);
