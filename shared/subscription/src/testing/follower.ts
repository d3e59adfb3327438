/** For tests: a follower's database, and a projection that records each application of each event. */
import { isDeepStrictEqual } from 'node:util';
import type { LoggedEvent } from '@micromart/events/envelope';
import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import { migrate } from '@micromart/postgres/migrate';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase } from '@micromart/testing/postgres';
import { pino } from 'pino';
import { Registry } from 'prom-client';
import { FENCED_SETTINGS } from '../apply/fence.ts';
import { sequenceOf } from '../apply/reorder-buffer.ts';
import type { Limits } from '../limits.ts';
import { createSubscriptionMetrics } from '../metrics.ts';
import { subscriptionMigrations } from '../migrations.ts';
import type { Projection } from '../projection.ts';
import type { EventSource, Transport } from '../sources/event-source.ts';
import { type Subscription, startSubscription } from '../subscription.ts';
import { TEST_TYPE, type TestSource } from './source.ts';

export type TestFollower = {
  readonly url: string;
  readonly pool: Pool;
  readonly registry: Registry;
  readonly projection: Projection<LoggedEvent>;
  /** Called with each batch; an error that it throws fails the batch. */
  onApply: (events: readonly LoggedEvent[]) => void;
  start(options: StartOptions): Subscription;
  /** Positions and keys of the applied events, in the order in which they were applied. */
  applied(): Promise<{ partition: number; sequence: number; key: string }[]>;
  /** The stored sequence of each partition. */
  positions(name: string): Promise<Record<number, number>>;
  /** Whether the positions have reached the source's heads. */
  hasCaughtUp(source: TestSource, name?: string): Promise<boolean>;
  /** The partitions that were not applied exactly once and in order, with what was applied. */
  differences(source: TestSource): Promise<{ partition: number; applied: number[] }[]>;
  /** The value of a metric, summed over all its labels. */
  counted(metric: string): Promise<number>;
  empty(): Promise<void>;
  close(): Promise<void>;
};

export type StartOptions = {
  source: EventSource;
  name?: string;
  transport?: Transport;
  limits?: Partial<Limits>;
  /** Another address of the same database, a proxy for example. */
  url?: string;
};

const CONNECTIONS = 5;
export const testLogger = pino({ level: 'silent' });

export async function openTestFollower(): Promise<TestFollower> {
  const database = await openTestDatabase();
  await migrate(database.url, [subscriptionMigrations]);
  await database.admin.query(
    'CREATE TABLE applied (n bigserial, partition int, sequence bigint, key text); CREATE TABLE other (n int)',
  );
  const registry = new Registry();
  const metrics = createSubscriptionMetrics(registry);
  const running: { close(): Promise<void> }[] = [];
  const pool = openPool(database.url, { max: CONNECTIONS, name: 'follower', settings: FENCED_SETTINGS });

  const projection: Projection<LoggedEvent> = {
    parse(event) {
      if (event.type !== TEST_TYPE) return undefined;
      if ((event.data as { invalid?: true }).invalid) throw new Error('quantity must be a number');
      return event;
    },
    effects(events) {
      follower.onApply(events);
      return [
        {
          text: `INSERT INTO applied (partition, sequence, key)
            SELECT partition, sequence, key FROM unnest($1::int[], $2::bigint[], $3::text[]) WITH ORDINALITY
              AS e (partition, sequence, key, nth) ORDER BY nth`,
          values: [
            arrayLiteral(events.map((event) => event.partition)),
            arrayLiteral(events.map(sequenceOf)),
            textArray(events.map((event) => event.partitionkey)),
          ],
        },
      ];
    },
  };

  const follower: TestFollower = {
    url: database.url,
    pool,
    registry,
    projection,
    onApply: () => {},
    start({ source, name = 'test', transport, limits = {}, url = database.url }) {
      const subscription = startSubscription({
        name,
        url,
        source,
        ...(transport && { transport }),
        projection,
        metrics,
        logger: testLogger,
        limits,
      });
      running.unshift(subscription);
      return subscription;
    },
    async applied() {
      const { rows } = await follower.pool.query('SELECT partition, sequence, key FROM applied ORDER BY n');
      return rows;
    },
    async positions(name) {
      const { rows } = await follower.pool.query(
        'SELECT partition, sequence FROM subscription_positions WHERE subscription = $1',
        [name],
      );
      return Object.fromEntries(rows.map(({ partition, sequence }) => [partition, sequence]));
    },
    async hasCaughtUp(source, name = 'test') {
      const positions = await follower.positions(name);
      return source.events.every((list, partition) => positions[partition] === list.length);
    },
    async differences(source) {
      const applied = Map.groupBy(await follower.applied(), ({ partition }) => partition);
      return source.events.flatMap((list, partition) => {
        const sequences = applied.get(partition)?.map(({ sequence }) => sequence) ?? [];
        const isExact = isDeepStrictEqual(sequences, list.map(sequenceOf));
        return isExact ? [] : [{ partition, applied: sequences }];
      });
    },
    async counted(metric) {
      const { values } = await registry.getSingleMetric(metric)!.get();
      return values.reduce((sum, { value }) => sum + value, 0);
    },
    async empty() {
      follower.onApply = () => {};
      await follower.pool.query('TRUNCATE applied, subscriptions CASCADE');
    },
    async close() {
      for (const one of running) await one.close();
      await pool.end();
      await database.close();
    },
  };
  return follower;
}
