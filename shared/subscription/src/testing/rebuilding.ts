/** For tests: instances of a service whose read model has generations, and readers that notice what is wrong. */
import type { LoggedEvent } from '@micromart/events/envelope';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { until } from '@micromart/testing/until';
import { Registry } from 'prom-client';
import { createConsistency } from '../freshness/consistency.ts';
import { type Generations, startGenerations } from '../generations/generations.ts';
import { createLiveGenerations, type LiveGenerations } from '../generations/live-generations.ts';
import type { ReadModel } from '../generations/read-model.ts';
import { createSubscriptionMetrics } from '../metrics.ts';
import { shareOfTime } from '../pace.ts';
import { createRebuilds, type Rebuilds } from '../rebuild/rebuild.ts';
import type { Transport } from '../sources/event-source.ts';
import type { Subscription } from '../subscription.ts';
import { COUNTED, countedModel, migrateCounted } from './counted-model.ts';
import { testLogger } from './follower.ts';
import { createTestSource, type TestSource } from './source.ts';

/** The generation that a first rebuild makes. */
export const NEXT = `${COUNTED}~2`;
const READERS = 3;
const WAIT_S = 20;
const NEARLY_ALL = 0.9;
const PARTITIONS = 4;
const EVENTS_A_MS = 7;

export type Answer = {
  /** Of each key. */
  readonly counts: Readonly<Record<string, number>>;
  readonly position: string;
  readonly asOf: string;
};

export type Instance = {
  readonly live: LiveGenerations;
  readonly generations: Generations;
  readonly rebuilds: Rebuilds;
  /** Answers as a route would, once the token is included. */
  read(token?: string): Promise<Answer>;
  subscription(name: string): Subscription;
  close(): Promise<void>;
};

export type Rebuilding = {
  readonly database: TestDatabase;
  /** A readers' pool, to look and to meddle too. */
  readonly pool: Pool;
  readonly source: TestSource;
  start(options?: {
    model?: ReadModel<LoggedEvent>;
    transport?: Transport;
    /** By another way to the same database. */
    url?: string;
    parkedEvents?: number;
  }): Promise<Instance>;
  begin(instance: Instance): Promise<void>;
  /** Comes back when a generation is in a state. */
  untilState(instance: Instance, state: string, id?: string): Promise<void>;
  /** What the log comes to. */
  expected(): Record<string, number>;
  /** A token of the log's ends. */
  end(): string;
  /** Appends events until it is stopped. */
  flow(): { stop(): Promise<void> };
  close(): Promise<void>;
};

export const operator = { by: 'operator', acceptDifferences: false };

export async function openRebuilding(): Promise<Rebuilding> {
  const database = await openTestDatabase();
  await migrateCounted(database.url);
  const pool = openPool(database.url, { max: READERS, name: 'readers' });
  const source = createTestSource({ partitions: PARTITIONS });
  const started = new Set<Instance>();

  return {
    database,
    pool,
    source,

    async start({ model, transport, url = database.url, parkedEvents = 1_000 } = {}) {
      const followed = model ?? countedModel(url);
      const live = createLiveGenerations([followed]);
      const generations = await startGenerations({
        ...{ model: followed, live, source, url, logger: testLogger },
        ...(transport && { transport }),
        metrics: createSubscriptionMetrics(new Registry()),
        limits: { headWaitS: 1, graceMs: 100, unassignedMs: 100, confirmReplacedMs: 50, parkedEvents },
        pace: shareOfTime(() => NEARLY_ALL),
      });
      const consistency = createConsistency({
        ...{ pool, live, applied: live.applied },
        subscriptions: () => [COUNTED],
      });
      const instance: Instance = {
        live,
        generations,
        rebuilds: createRebuilds(generations, testLogger),
        async read(token) {
          const headers = { Prefer: `wait=${WAIT_S}`, ...(token && { 'Consistent-With': token }) };
          const { value, headers: said } = await consistency.read(
            { headers, signal: AbortSignal.timeout(2_000 * WAIT_S) },
            async (client) => (await client.query<{ key: string; times: number }>(READ)).rows,
          );
          const counts = Object.fromEntries(value.map(({ key, times }) => [key, times]));
          return { counts, position: said.Position!, asOf: said['As-Of']! };
        },
        subscription: (name) => generations.subscriptions().find((one) => one.name === name)!,
        async close() {
          started.delete(instance);
          await generations.close();
        },
      };
      started.add(instance);
      return instance;
    },

    async begin({ rebuilds }) {
      await rebuilds.begin({ by: 'operator', maxBytes: undefined });
    },

    async untilState({ rebuilds }, state, id = NEXT) {
      await until(async () => {
        const rebuild = await rebuilds.show(id);
        if (rebuild.state !== state) throw new Error(`${rebuild.state}: ${rebuild.reason}`);
        return true;
      });
    },

    expected() {
      const counts: Record<string, number> = {};
      for (const { partitionkey } of source.events.flat())
        counts[partitionkey] = (counts[partitionkey] ?? 0) + 1;
      return counts;
    },

    end: () => source.events.map((list, partition) => `${source.log}/${partition}@${list.length}`).join(', '),

    flow() {
      let stopped = false;
      const flowing = (async () => {
        while (!stopped) {
          source.appendMany(EVENTS_A_MS);
          await new Promise((wake) => setTimeout(wake, 1));
        }
      })();
      return {
        async stop() {
          stopped = true;
          await flowing;
        },
      };
    },

    async close() {
      await Promise.all([...started].map((one) => one.close()));
      await pool.end();
      await database.close();
    },
  };
}

const READ = 'SELECT key, times FROM counted';

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);

/** How many events a position reaches. */
const reach = (position: string): number =>
  sum(position.split(', ').map((one) => Number(one.split('@')[1] ?? 0)));

/**
 * Reads all the time. Gives what was wrong: a count, a position or an As-Of that went back, counts that are not those of the
 * position, or a failure.
 */
export function watchReaders(instances: readonly Instance[]): { stop(): Promise<string[]> } {
  const wrong: string[] = [];
  let stopped = false;

  function judge(last: Answer, now: Answer): void {
    for (const [key, times] of Object.entries(last.counts))
      if ((now.counts[key] ?? 0) < times) wrong.push(`${key} went back from ${times} to ${now.counts[key]}`);
    if (now.asOf < last.asOf) wrong.push(`As-Of went back from ${last.asOf} to ${now.asOf}`);
    if (reach(now.position) < reach(last.position)) wrong.push(`${now.position} after ${last.position}`);
    const counted = sum(Object.values(now.counts));
    if (counted !== reach(now.position)) wrong.push(`${counted} counted at ${now.position}`);
  }

  async function poll(instance: Instance): Promise<void> {
    let last = await instance.read();
    while (!stopped) {
      try {
        const now = await instance.read();
        judge(last, now);
        last = now;
      } catch (error) {
        wrong.push((error as Error).message);
      }
    }
  }

  const polling = Promise.all(instances.map(poll));
  return {
    async stop() {
      stopped = true;
      await polling;
      return wrong;
    },
  };
}
