import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { openPool, type Pool } from '@micromart/postgres/pool';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { markStart } from '../feed.ts';
import { beginReading, type Job, type JobRequest, MAX_REJECTED_ROWS } from '../job.ts';
import { openQueue, type Queue } from '../queue/pg-boss.ts';
import type { JobRepository } from './job-repository.ts';
import type { JobRequests } from './job-requests.ts';
import { openJobRepository } from './postgres-job-repository.ts';
import { openJobRequests } from './postgres-job-requests.ts';

/** The API's side of the jobs and the worker's, on one database; only the tests take deliveries. */
let database: TestDatabase;
let jobRequests: JobRequests;
let queue: Queue;
let jobRepository: JobRepository;
let guest: { role: string; url: string };

const withdraw: JobRequest = { kind: 'withdraw', productId: 'tea' };
const feed: JobRequest = { kind: 'import', url: 'https://feeds.example/' };
const accept = (request: JobRequest = withdraw): Promise<Job> =>
  jobRequests.accept({ request, subject: 'carla', traceparent: '00-…' });
const claimed = async ({ id }: Pick<Job, 'id'>) => (await jobRepository.claim([id]))[0]!;
const found = async ({ id }: Pick<Job, 'id'>) => (await jobRequests.find(id)) as Job;
const deliveryOf = async ({ id }: Pick<Job, 'id'>): Promise<string> =>
  (await database.admin.query('SELECT delivery FROM jobs WHERE id = $1', [id])).rows[0].delivery;

beforeAll(async () => {
  database = await openTestDatabase();
  guest = await database.openGuest();
  const onError = () => {};
  jobRequests = openJobRequests(guest.url, onError);

  expect(await jobRequests.check()).toEqual({
    ok: false,
    detail: expect.stringContaining('has not created the schema'),
  });
  await expect(accept()).rejects.toMatchObject({ code: 'unavailable' });
  await expect(jobRequests.find(randomUUID())).rejects.toMatchObject({ code: 'unavailable' });

  queue = await openQueue(database.url, onError);
  jobRepository = await openJobRepository(database.url, { send: queue.send, apiRole: guest.role, onError });
});

afterAll(async () => {
  await Promise.all([jobRequests.close(), jobRepository.close(), queue.close()]);
  await database.close();
});

const sweep = (table: string) => jobRepository.sweeps.find((one) => one.table === table)!.sweep(10);

describe('a job', () => {
  test('is found from its acceptance on, also by an API that was opened before the schema existed', async () => {
    expect(await jobRequests.check()).toEqual({ ok: true });
    const accepted = await accept();
    expect(await jobRequests.find(accepted.id)).toEqual(accepted);
    expect(accepted).toMatchObject({ request: withdraw, state: 'queued', attempts: 0, result: null });
  });

  test('has a larger number than all jobs answered before it', async () => {
    const numbers: number[] = [];
    for (let n = 0; n < 5; n += 1) numbers.push((await accept()).number);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(new Set(numbers).size).toBe(5);
  });

  test('that was never accepted is not found', async () => {
    expect(await jobRequests.find(randomUUID())).toBeUndefined();
  });

  test('is not accepted if its delivery cannot be sent', async () => {
    const before = await jobRequests.list({ limit: 1_000 });
    await database.admin.query('ALTER TABLE pgboss.job_common RENAME TO job_elsewhere');
    await expect(accept()).rejects.toMatchObject({ code: 'unavailable' });
    await database.admin.query('ALTER TABLE pgboss.job_elsewhere RENAME TO job_common');
    expect(await jobRequests.list({ limit: 1_000 })).toEqual(before);
  });

  test('is stored for 30 days after its end, and then gone', async () => {
    const [old, young, waiting] = [await accept(), await accept(), await accept()];
    const ending = (claim: Awaited<ReturnType<typeof claimed>>) => ({ claim, state: 'done' as const });
    await jobRepository.end([ending(await claimed(old)), ending(await claimed(young))]);
    const age = `UPDATE jobs SET finished_at = now() - $2::interval WHERE id = $1`;
    await database.admin.query(age, [old.id, '30 days 1 minute']);
    await database.admin.query(age, [young.id, '29 days']);
    expect(await sweep('jobs')).toBe(1);
    expect(await jobRequests.find(old.id)).toBe('gone');
    expect(await found(young)).toMatchObject({ state: 'done' });
    expect(await found(waiting)).toMatchObject({ state: 'queued' });
  });

  test('is gone for 90 days, then unknown', async () => {
    const [long, short] = [randomUUID(), randomUUID()];
    await database.admin.query(
      `INSERT INTO jobs_gone VALUES ($1, now() - interval '90 days 1 minute'), ($2, now() - interval '89 days')`,
      [long, short],
    );
    const overdue = () => jobRepository.sweeps.find(({ table }) => table === 'jobs_gone')!.overdueS();
    expect(await overdue()).toBeGreaterThanOrEqual(60);
    expect(await sweep('jobs_gone')).toBe(1);
    expect(await jobRequests.find(long)).toBeUndefined();
    expect(await jobRequests.find(short)).toBe('gone');
    expect(await overdue()).toBe(0);
  });

  test('is listed by state, newest first, page by page', async () => {
    const jobs = [await accept(feed), await accept(feed), await accept(feed)];
    await claimed(jobs[1]!);
    const ids = (list: Job[]) => list.map(({ id }) => id);
    expect(ids(await jobRequests.list({ state: 'queued', limit: 2 }))).toEqual([jobs[2]!.id, jobs[0]!.id]);
    expect(ids(await jobRequests.list({ state: 'active', limit: 1 }))).toEqual([jobs[1]!.id]);
    expect(ids(await jobRequests.list({ before: jobs[1]!.number, limit: 1 }))).toEqual([jobs[0]!.id]);
  });
});

describe('a claim', () => {
  test('takes a job that is queued, or active with a worker that died; never one that has ended', async () => {
    const job = await accept(feed);
    const first = await claimed(job);
    expect(first).toMatchObject({ isTakenOver: false, claimsWithoutProgress: 1, claim: 1 });
    const second = await claimed(job);
    expect(second).toMatchObject({ isTakenOver: true, claimsWithoutProgress: 2, claim: 2 });
    expect(
      await jobRepository.end([{ claim: second, state: 'failed', error: { code: 'x', detail: 'y' } }]),
    ).toHaveLength(1);
    expect(await jobRepository.claim([job.id])).toEqual([]);
    expect(await found(job)).toMatchObject({ state: 'failed', attempts: 2, error: { code: 'x' } });
  });

  test('that is not the newest can neither advance the job nor end it nor put it back', async () => {
    const job = await accept(feed);
    const zombie = await claimed(job);
    const newest = await claimed(job);
    const progress = beginReading(null, markStart(null), null);
    expect(await jobRepository.statusOf(zombie)).toBe('lost');
    expect(await jobRepository.record(zombie, progress, { rejected: [], isFurther: true })).toBe(false);
    expect(await jobRepository.end([{ claim: zombie, state: 'done' }])).toEqual([]);
    await jobRepository.postpone(zombie, { delayS: 0, failures: 9, error: null });
    expect(await found(job)).toMatchObject({ state: 'active', progress: null, attempts: 2 });
    expect(await jobRepository.statusOf(newest)).toBe('held');
  });

  test('records progress, stores the first rejected rows and resets earlier failures', async () => {
    const job = await accept(feed);
    let claim = await claimed(job);
    await jobRepository.postpone(claim, {
      delayS: 0,
      failures: 3,
      error: { code: 'upstream-away', detail: 'z' },
    });
    expect(await found(job)).toMatchObject({ state: 'queued', error: { code: 'upstream-away' } });
    expect(await jobRepository.claim([job.id])).toEqual([]);
    claim = await claimed({ id: await deliveryOf(job) });
    expect(claim).toMatchObject({ claimsWithoutProgress: 1, isTakenOver: false });
    expect(await jobRepository.failures(claim)).toBe(3);

    const begun = beginReading(null, markStart(null), null);
    const rows = (from: number, count: number) =>
      Array.from({ length: count }, (_, n) => ({ row: from + n, message: 'is not valid JSON' }));
    await jobRepository.record(
      claim,
      { ...begun, rejected: 900 },
      { rejected: rows(1, 900), isFurther: true },
    );
    await jobRepository.record(
      claim,
      { ...begun, rejected: 1_800 },
      { rejected: rows(901, 900), isFurther: true },
    );
    await jobRepository.record(
      claim,
      { ...begun, rejected: 2_700 },
      { rejected: rows(1_801, 900), isFurther: true },
    );
    const { rejectedRows, progress, error } = await found(job);
    expect([rejectedRows.length, rejectedRows.at(-1)!.row]).toEqual([MAX_REJECTED_ROWS, MAX_REJECTED_ROWS]);
    expect([progress?.rejected, error]).toEqual([2_700, null]);
    expect(await jobRepository.failures(claim)).toBe(0);

    await jobRepository.record(
      await claimed({ id: await deliveryOf(job) }),
      { ...begun, rejected: 2 },
      { rejected: rows(1, 2), isFurther: false },
    );
    expect((await found(job)).rejectedRows).toHaveLength(2);
  });
});

describe('cancelling', () => {
  test('ends a queued job at once', async () => {
    const job = await accept();
    expect(await jobRequests.cancel(job.id)).toBe(true);
    expect(await found(job)).toMatchObject({ state: 'cancelled', finishedAt: expect.any(Date) });
    expect(await jobRepository.claim([job.id])).toEqual([]);
  });

  test('tells the worker of an active one, and any worker that takes it over', async () => {
    const job = await accept();
    const claim = await claimed(job);
    expect(await jobRequests.cancel(job.id)).toBe(true);
    expect(await found(job)).toMatchObject({ state: 'active', cancelRequested: true });
    expect(await jobRepository.statusOf(claim)).toBe('cancelled');
    expect(await claimed(job)).toMatchObject({ cancelRequested: true });
  });

  test('finds nothing to cancel in one that has ended or never existed', async () => {
    const job = await accept();
    await jobRepository.end([{ claim: await claimed(job), state: 'done' }]);
    expect(await jobRequests.cancel(job.id)).toBe(false);
    expect(await jobRequests.cancel(randomUUID())).toBe(false);
    expect(await found(job)).toMatchObject({ state: 'done', cancelRequested: false });
  });
});

test('jobs that the queue has forgotten are delivered again, and only those', async () => {
  await database.admin.query(
    `UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE finished_at IS NULL`,
  );
  const [kept, queued, active] = [await accept(), await accept(), await accept(feed)];
  await jobRepository.claim([active.id]);
  await database.admin.query('DELETE FROM pgboss.job WHERE id = ANY ($1)', [[queued.id, active.id]]);
  expect(await jobRepository.redeliver(10)).toBe(2);
  expect(await jobRepository.redeliver(10)).toBe(0);
  expect(await deliveryOf(kept)).toBe(kept.id);
  const { rows } = await database.admin.query(
    'SELECT name FROM pgboss.job WHERE id = ANY ($1) ORDER BY name',
    [[await deliveryOf(queued), await deliveryOf(active)]],
  );
  expect(rows).toEqual([{ name: 'changes' }, { name: 'imports' }]);
  expect(await jobRepository.waiting()).toEqual(
    expect.arrayContaining([
      { kind: 'withdraw', state: 'queued', jobs: 2 },
      { kind: 'import', state: 'active', jobs: 1 },
    ]),
  );
});

describe("the API's role", () => {
  let pool: Pool;
  beforeAll(() => {
    pool = openPool(guest.url, { max: 1, name: 'test' });
  });
  afterAll(() => pool.end());

  test.each([
    `UPDATE jobs SET state = 'done'`,
    `DELETE FROM jobs`,
    `TRUNCATE jobs`,
    `INSERT INTO jobs (id, request, subject, delivery, state)
       VALUES (gen_random_uuid(), '{"kind":"import"}', 'x', gen_random_uuid(), 'done')`,
    `INSERT INTO jobs (number, id, request, subject, delivery) OVERRIDING SYSTEM VALUE
       VALUES (1, gen_random_uuid(), '{"kind":"import"}', 'x', gen_random_uuid())`,
    `SELECT setval(pg_get_serial_sequence('jobs', 'number'), 1)`,
    `INSERT INTO jobs_gone VALUES (gen_random_uuid())`,
    `DELETE FROM jobs_gone`,
    `UPDATE pgboss.job SET state = 'completed'`,
    `UPDATE pgboss.job_common SET state = 'completed'`,
    `DELETE FROM pgboss.job_common`,
    `UPDATE pgboss.queue SET notify = false`,
    `DELETE FROM pgboss.version`,
    `CREATE TABLE mine ()`,
    `CREATE FUNCTION public.mine() RETURNS int LANGUAGE sql AS 'SELECT 1'`,
    `CREATE OR REPLACE FUNCTION cancel_job(wanted uuid) RETURNS boolean LANGUAGE sql AS 'SELECT true'`,
    `DROP FUNCTION cancel_job(uuid)`,
    `ALTER TABLE jobs DISABLE TRIGGER ALL`,
  ])('cannot %s', async (statement) => {
    await expect(pool.query(statement)).rejects.toMatchObject({ code: '42501' });
  });
});
