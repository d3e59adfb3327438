import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import type { Check } from '@micromart/http/health';
import type { Route } from '@micromart/http/route';
import { until } from '@micromart/testing/until';
import { listParked } from '../dead-letters/parked-events.ts';
import { createSubscriptionRoutes } from '../routes.ts';
import { createSubscriptionChecks } from '../status.ts';
import type { Subscription } from '../subscription.ts';
import { openTestFollower, type TestFollower, testLogger } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';

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
  subscription = follower.start({ source, limits: { headWaitS: 1 } });
  source.appendMany(10);
  await until(() => follower.hasCaughtUp(source));
});
afterEach(() => subscription.close());

const parked = () =>
  listParked(follower.pool, { subscriptions: ['test'], state: 'parked', after: '0', limit: 10 });
const checksOf = (waiting: Subscription['waiting']): [source: Check, following: Check] =>
  createSubscriptionChecks({
    pool: follower.pool,
    subscription: { name: 'test', waiting },
    maxLagMs: 60_000,
  });
const show = async () => {
  const routes: Route[] = createSubscriptionRoutes({
    pool: follower.pool,
    subscriptions: () => [subscription],
    logger: testLogger,
  });
  const answer = await routes.find(({ path }) => path === '/subscriptions')!.handle({} as never);
  return (answer as { body: { items: { state: string; reason: string | null }[] } }).body.items[0]!;
};

test.each([
  [
    'a grant',
    'REVOKE INSERT ON applied FROM current_user',
    'GRANT INSERT ON applied TO current_user',
    '42501',
  ],
  ['a table', 'ALTER TABLE applied RENAME TO gone', 'ALTER TABLE gone RENAME TO applied', '42P01'],
  [
    'room on the disk',
    `CREATE TRIGGER no_room BEFORE INSERT ON applied EXECUTE FUNCTION refuse_all()`,
    'DROP TRIGGER no_room ON applied',
    '53100',
  ],
])(
  'parks nothing when %s is missing, says what it waits for, and continues by itself',
  async (_, take, give, state) => {
    await follower.pool.query(`CREATE OR REPLACE FUNCTION refuse_all() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space left'; END $$`);
    await follower.pool.query(take);
    source.appendMany(20);
    await until(async () => (await show()).state === 'waiting');
    expect((await show()).reason).toContain(`SQLSTATE ${state}`);
    const [sourceCheck, following] = checksOf(subscription.waiting);
    expect(await sourceCheck.check()).toEqual({ ok: true });
    expect(await following.check()).toMatchObject({ ok: false, detail: expect.stringMatching(/^waits: /) });
    // An instance that stands by reads it from the database.
    const elsewhere = checksOf(() => undefined)[1];
    await until(async () => (await elsewhere.check()).detail?.startsWith('waits: '));
    expect(await parked()).toEqual([]);

    await follower.pool.query(give);
    await until(() => follower.hasCaughtUp(source));
    await until(async () => (await show()).state === 'running');
    await until(async () => (await elsewhere.check()).ok);
    expect(await show()).toMatchObject({ state: 'running', reason: null });
    expect(await follower.differences(source)).toEqual([]);
    expect(await parked()).toEqual([]);
  },
);

test('says that its owner does not answer, until it does', async () => {
  source.setUnavailable(true);
  await until(async () => (await show()).state === 'waiting');
  expect(await checksOf(subscription.waiting)[1].check()).toEqual({
    ok: false,
    detail: "waits: the owner's feed does not answer as it should",
  });
  source.setUnavailable(false);
  await until(async () => (await show()).state === 'running');
});
