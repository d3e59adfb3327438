import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { problem } from '@micromart/http/problem';
import { inTransaction } from '@micromart/postgres/pool';
import { openTestFollower, type TestFollower, testLogger } from '../testing/follower.ts';
import { type Acts, type ActsQuestion, createActs, createActsSweep, listActs } from './acts.ts';

let follower: TestFollower;
let acts: Acts;

beforeAll(async () => {
  follower = await openTestFollower();
  acts = createActs({ pool: follower.pool, logger: testLogger });
});
afterAll(() => follower.close());
beforeEach(() => follower.pool.query('TRUNCATE operator_acts'));

const ALL: ActsQuestion = {
  ...{ before: undefined, limit: 100 },
  ...{ kind: undefined, by: undefined, outcome: undefined },
};
const list = (question: Partial<ActsQuestion> = {}) => listActs(follower.pool, { ...ALL, ...question });
const pause = { kind: 'pause', by: 'olga', target: 'sales' };

test('records an act in its transaction, so that neither is there without the other', async () => {
  await acts.perform(pause, (record) =>
    inTransaction(follower.pool, (client) => record(client, { positions: 3 })),
  );
  expect(await list()).toMatchObject([{ ...pause, outcome: 'done', result: { positions: 3 } }]);

  const broken = acts.perform(pause, (record) =>
    inTransaction(follower.pool, async (client) => {
      await record(client);
      throw new Error('SELECT secret FROM inside');
    }),
  );
  await expect(broken).rejects.toThrow('inside');
  const [failed] = await list();
  expect(failed).toMatchObject({ outcome: 'failed' });
  expect(JSON.stringify(failed!.result)).not.toContain('SELECT');
});

test('records what is refused, with the reason', async () => {
  const refused = acts.perform(pause, async () => {
    throw problem('conflict', 'it is paused already');
  });
  await expect(refused).rejects.toMatchObject({ code: 'conflict' });
  expect(await list()).toMatchObject([{ outcome: 'refused', result: { reason: 'it is paused already' } }]);
});

test('keeps what a part came to when a later one fails', async () => {
  const half = acts.perform(pause, async (record) => {
    await record(follower.pool, { applied: 7 });
    throw problem('unavailable', 'not now');
  });
  await expect(half).rejects.toMatchObject({ code: 'unavailable' });
  expect(await list()).toMatchObject([{ outcome: 'incomplete', result: { applied: 7, reason: 'not now' } }]);
});

test('stores any subject', async () => {
  await acts.perform({ ...pause, by: 'o\0l\ud800ga' }, (record) => record(follower.pool));
  expect(await list()).toMatchObject([{ by: 'o␀l\ufffdga' }]);
});

test('lists them by pages, the newest first, and by kind, operator and outcome', async () => {
  for (let n = 1; n <= 5; n += 1)
    await acts.perform({ ...pause, by: `operator-${n % 2}`, target: String(n) }, (record) =>
      record(follower.pool),
    );
  await acts.perform({ ...pause, kind: 'resume' }, (record) => record(follower.pool));
  const page = await list({ limit: 3 });
  expect(page.map(({ target }) => target)).toEqual(['sales', '5', '4']);
  expect((await list({ before: page.at(-1)!.id })).map(({ target }) => target)).toEqual(['3', '2', '1']);
  expect(await list({ kind: 'resume' })).toHaveLength(1);
  expect(await list({ by: 'operator-1' })).toHaveLength(3);
  expect(await list({ outcome: 'failed' })).toEqual([]);
});

test('keeps them for a year', async () => {
  const sweep = createActsSweep(follower.pool);
  expect(await sweep.overdueS()).toBe(0);
  for (let n = 0; n < 3; n += 1) await acts.perform(pause, (record) => record(follower.pool));
  await follower.pool.query(
    "UPDATE operator_acts SET at = now() - interval '1 year 1 minute' WHERE id > (SELECT min(id) FROM operator_acts)",
  );
  expect(await sweep.overdueS()).toBeGreaterThan(50);
  expect(await sweep.sweep(1)).toBe(1);
  expect(await sweep.sweep(10)).toBe(1);
  expect(await list()).toHaveLength(1);
  expect(await sweep.overdueS()).toBe(0);
});
