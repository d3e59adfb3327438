import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { LoggedEvent } from '@micromart/events/envelope';
import { textArray } from '@micromart/postgres/binary-array';
import { until } from '@micromart/testing/until';
import { forget, settle } from '../forgetting/postgres-tombstones.ts';
import type { ReadModel } from '../generations/read-model.ts';
import { schemaOf } from '../generations/table-model.ts';
import type { Projection } from '../projection.ts';
import { headsNow } from '../sources/event-source.ts';
import { COUNTED, countedModel } from '../testing/counted-model.ts';
import { NEXT, openRebuilding, operator, type Rebuilding } from '../testing/rebuilding.ts';

const PARTITIONS = [0, 1, 2, 3];
const [ALICE, BOB, CAROL] = [
  'a11ce000-0000-4000-8000-000000000000',
  'b0b00000-0000-4000-8000-000000000000',
  'ca401000-0000-4000-8000-000000000000',
] as const;

let shop: Rebuilding;
beforeEach(async () => {
  shop = await openRebuilding();
});
afterEach(() => shop.close());

const visitorOf = ({ data }: LoggedEvent) => (data as { visitor: string }).visitor;

/** Counts visits by visitor, and forgets visitors. */
const visits = (generation: string): Projection<LoggedEvent> => ({
  parse: (event) => event,
  effects(events) {
    const forgotten = events
      .filter(({ type }) => type === 'test.forgotten')
      .map((event) => ({
        ...{ key: visitorOf(event), partition: event.partition, sequence: Number(event.sequence) },
      }));
    const keys = textArray(forgotten.map(({ key }) => key));
    const visitors = events.filter(({ type }) => type !== 'test.forgotten').map(visitorOf);
    return [
      ...(forgotten.length > 0
        ? [
            ...forget(generation, forgotten),
            { text: 'DELETE FROM counted WHERE key = ANY ($1)', values: [keys] },
          ]
        : []),
      {
        text: `INSERT INTO counted AS c (key, times)
               SELECT v, count(*) FROM unnest($1::text[]) v WHERE NOT is_forgotten($2, v) GROUP BY v ORDER BY v
               ON CONFLICT (key) DO UPDATE SET times = c.times + excluded.times`,
        values: [textArray(visitors), generation],
      },
    ];
  },
});

const visitsModel = (): ReadModel<LoggedEvent> => {
  const model = countedModel(shop.database.url);
  return {
    ...model,
    open: async (generation) => ({ ...(await model.open(generation)), projection: visits(generation.name) }),
  };
};

const visit = (visitor: string) => {
  for (const partition of PARTITIONS) shop.source.append(partition, visitor, { visitor });
};
const sayForgotten = (visitor: string) => shop.source.append(0, visitor, { visitor }, 'test.forgotten');

/** Gives no more events of the partitions that it holds back. */
function holdBack(partitions: Set<number>): void {
  const { page } = shop.source;
  Object.assign(shop.source, {
    page: (request: Parameters<typeof page>[0]) => (partitions.has(request.partition) ? [] : page(request)),
  });
}

const settleIn = async (name: string, number: number) =>
  settle(shop.pool, name, await headsNow(shop.source, AbortSignal.timeout(5_000)), (keys) => [
    {
      text: `DELETE FROM ${schemaOf({ name, number })}.counted WHERE key = ANY ($1)`,
      values: [textArray([...keys])],
    },
  ]);
const tombstones = async (name: string) =>
  (
    await shop.pool.query('SELECT key FROM subscription_tombstones WHERE subscription = $1 ORDER BY key', [
      name,
    ])
  ).rows.map(({ key }) => key);
const keptInNext = async () =>
  Object.fromEntries(
    (await shop.pool.query('SELECT key, times FROM counted_keys_2.counted')).rows.map(({ key, times }) => [
      key,
      times,
    ]),
  );
const reached = (partition: number) =>
  until(async () => {
    const { rows } = await shop.pool.query(
      'SELECT sequence FROM subscription_positions WHERE subscription = $1 AND partition = $2',
      [NEXT, partition],
    );
    return rows[0]?.sequence === shop.source.events[partition]!.length;
  });

test('a rebuild forgets what was forgotten, before it and during it, though older events come after', async () => {
  for (const visitor of [ALICE, BOB, CAROL]) visit(visitor);
  sayForgotten(ALICE);
  const one = await shop.start({ model: visitsModel() });
  expect((await one.read(shop.end())).counts).toEqual({ [BOB]: 4, [CAROL]: 4 });
  expect(await settleIn(COUNTED, 1)).toBe(1);

  const heldBack = new Set([1, 2, 3]);
  holdBack(heldBack);
  await shop.begin(one);
  await reached(0);
  expect(await keptInNext()).toEqual({ [BOB]: 1, [CAROL]: 1 });
  sayForgotten(CAROL);
  await reached(0);
  expect(await keptInNext()).toEqual({ [BOB]: 1 });
  expect((await one.read(shop.end())).counts).toEqual({ [BOB]: 4 });
  // The live one is through, and drops its tombstones; the other one needs its own still.
  expect(await settleIn(COUNTED, 1)).toBe(1);
  expect(await settleIn(NEXT, 2)).toBe(0);
  expect(await tombstones(NEXT)).toEqual([ALICE, CAROL].sort());

  heldBack.delete(1);
  await reached(1);
  expect(await settleIn(NEXT, 2)).toBe(0);
  heldBack.clear();
  await shop.untilState(one, 'ready');
  expect((await one.rebuilds.show(NEXT)).comparison).toMatchObject({ differing: 0, rows: 1 });
  expect(await settleIn(NEXT, 2)).toBe(2);
  await one.rebuilds.switch(NEXT, operator);
  expect((await one.read(shop.end())).counts).toEqual({ [BOB]: 4 });
});

test('a generation that is dropped leaves no tombstone, and the other one keeps its own', async () => {
  for (const visitor of [ALICE, BOB]) visit(visitor);
  sayForgotten(ALICE);
  const one = await shop.start({ model: visitsModel() });
  await shop.begin(one);
  await shop.untilState(one, 'ready');
  expect(await tombstones(NEXT)).toEqual([ALICE]);
  await one.rebuilds.drop(NEXT, 'operator');
  await shop.untilState(one, 'dropped');
  expect(await tombstones(NEXT)).toEqual([]);
  expect(await tombstones(COUNTED)).toEqual([ALICE]);
});
