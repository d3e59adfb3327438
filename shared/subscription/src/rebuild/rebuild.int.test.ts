import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
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
import { COUNTED, countedModel, migrateCounted } from '../testing/counted-model.ts';
import { testLogger } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';
import { createRebuilds, type Rebuilds } from './rebuild.ts';

const PARTITIONS = 4;
const NEXT = `${COUNTED}~2`;
const operator = { by: 'operator', acceptDifferences: false };

let database: TestDatabase;
let pool: Pool;
let source: TestSource;
let started: Instance[] = [];

type Instance = {
  readonly live: LiveGenerations;
  readonly generations: Generations;
  readonly rebuilds: Rebuilds;
  /** What a reader gets: each key's count, and how far that reaches. */
  read(token?: string): Promise<{ counts: Record<string, number>; position: string; asOf: string }>;
};

beforeEach(async () => {
  database = await openTestDatabase();
  await migrateCounted(database.url);
  pool = openPool(database.url, { max: 3, name: 'readers' });
  source = createTestSource({ partitions: PARTITIONS });
});
afterEach(async () => {
  await Promise.all(started.map(({ generations }) => generations.close()));
  started = [];
  await pool.end();
  await database.close();
});

async function start(model: ReadModel<LoggedEvent> = countedModel(database.url)): Promise<Instance> {
  const live = createLiveGenerations([model]);
  const generations = await startGenerations({
    ...{ model, live, source, url: database.url, logger: testLogger },
    metrics: createSubscriptionMetrics(new Registry()),
    limits: { headWaitS: 1 },
    pace: shareOfTime(0.9),
  });
  const consistency = createConsistency({
    pool,
    subscriptions: () => [COUNTED],
    applied: live.applied,
    live,
  });
  const instance: Instance = {
    live,
    generations,
    rebuilds: createRebuilds(generations, testLogger),
    async read(token) {
      const headers = { Prefer: 'wait=20', ...(token && { 'Consistent-With': token }) };
      const { value, headers: said } = await consistency.read(
        { headers, signal: AbortSignal.timeout(30_000) },
        async (client) =>
          (await client.query<{ key: string; times: number }>('SELECT key, times FROM counted')).rows,
      );
      const counts = Object.fromEntries(value.map(({ key, times }) => [key, times]));
      return { counts, position: said.Position!, asOf: said['As-Of']! };
    },
  };
  started.push(instance);
  return instance;
}

const begin = ({ rebuilds }: Instance) => rebuilds.begin({ by: 'operator', maxBytes: undefined });
const isReady = async ({ rebuilds }: Instance, id = NEXT) => (await rebuilds.show(id)).state === 'ready';

/** What the log comes to. */
function expected(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { partitionkey } of source.events.flat()) counts[partitionkey] = (counts[partitionkey] ?? 0) + 1;
  return counts;
}
const end = () =>
  source.events.map((list, partition) => `${source.log}/${partition}@${list.length}`).join(', ');

/** Appends events until it is stopped. */
function flow(): { stop(): Promise<void> } {
  let stopped = false;
  const flowing = (async () => {
    while (!stopped) {
      source.appendMany(7);
      await new Promise((wake) => setTimeout(wake, 1));
    }
  })();
  return {
    async stop() {
      stopped = true;
      await flowing;
    },
  };
}

/** Reads all the time; gives what was wrong: a count, a position or an As-Of that went back, or a failure. */
function watchReaders(instances: readonly Instance[]): { stop(): Promise<string[]> } {
  const wrong: string[] = [];
  let stopped = false;
  async function poll(instance: Instance) {
    let last = await instance.read();
    while (!stopped) {
      const now = await instance.read().catch((error: Error) => error);
      if (now instanceof Error) {
        wrong.push(now.message);
        continue;
      }
      for (const [key, times] of Object.entries(last.counts))
        if ((now.counts[key] ?? 0) < times)
          wrong.push(`${key} went back from ${times} to ${now.counts[key]}`);
      if (now.asOf < last.asOf) wrong.push(`As-Of went back from ${last.asOf} to ${now.asOf}`);
      const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
      const reached = now.position.split(', ').reduce((total, one) => total + Number(one.split('@')[1]), 0);
      if (sum(now.counts) !== reached) wrong.push(`${sum(now.counts)} counted at ${now.position}`);
      last = now;
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

describe('a rebuild', () => {
  test('builds the same from the log, says so, and becomes live and dropped when it is told to', async () => {
    source.appendMany(5_000);
    const one = await start();
    await one.read(end());
    const begun = await begin(one);
    expect(begun).toMatchObject({ id: NEXT, live: false });
    expect(begun.roomBytes).toBeGreaterThan(0);
    await until(() => isReady(one));
    expect((await one.rebuilds.show(NEXT)).comparison).toMatchObject({
      ...{ with: COUNTED, rows: 7, differing: 0, listed: [], position: end(), otherHistory: null },
      ...{ newCounters: ['units'], leftOut: ['counted_lately'], parked: [], discarded: [] },
    });
    await one.rebuilds.switch(NEXT, operator);
    expect(one.live.of(COUNTED)).toMatchObject({ name: NEXT });
    expect((await one.read(end())).counts).toEqual(expected());

    await one.rebuilds.drop(COUNTED, 'operator');
    await until(async () => (await one.rebuilds.show(COUNTED)).state === 'dropped');
    const { rows } = await pool.query('SELECT count(*) AS n FROM public.counted');
    expect(rows[0].n).toBe(0);
    source.appendMany(100);
    expect((await one.read(end())).counts).toEqual(expected());
  });

  test('shows no reader a wrong answer under traffic, while it is built, switched to and switched back from', async () => {
    source.appendMany(3_000);
    const both = [await start(), await start()] as const;
    await both[0].read(end());
    const traffic = flow();
    const readers = watchReaders(both);
    await begin(both[1]);
    await until(() => isReady(both[0]));
    expect((await both[0].rebuilds.show(NEXT)).comparison).toMatchObject({ differing: 0 });
    const before = (await both[0].read()).position;
    await both[0].rebuilds.switch(NEXT, operator);
    expect((await both[1].read(before)).counts).toBeDefined();
    await both[1].rebuilds.switchBack(NEXT, operator);
    await both[0].rebuilds.switch(NEXT, operator);
    await both[1].rebuilds.drop(COUNTED, 'operator');
    await until(async () => (await both[0].rebuilds.show(COUNTED)).state === 'dropped');
    await traffic.stop();
    expect((await both[0].read(end())).counts).toEqual(expected());
    expect((await both[1].read(end())).counts).toEqual(expected());
    expect(await readers.stop()).toEqual([]);
  });
});
