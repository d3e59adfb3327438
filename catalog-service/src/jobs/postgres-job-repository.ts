import { randomUUID } from 'node:crypto';
import { arrayLiteral, textArray } from '@micromart/postgres/binary-array';
import { checkAnswers, inTransaction, openPool } from '@micromart/postgres/pool';
import { type HeldRow, type JobRequest, type JobState, MAX_REJECTED_ROWS, queueOf } from '../job.ts';
import { isLive, type Send } from '../queue/pg-boss.ts';
import type { Claim, JobRepository } from './job-repository.ts';
import { grantAccepting, migrateJobs } from './postgres-schema.ts';
import { jobSweeps } from './postgres-sweeps.ts';

const MAX_CONNECTIONS = 4;

/** Writes the progress of a job whose claim is current, with the rows to hold: all or nothing. */
const RECORD = `
  WITH recorded AS (
    UPDATE jobs SET progress = $3,
      rejected_rows = CASE
        WHEN $4::int = 0 THEN $5::jsonb
        WHEN jsonb_array_length($5::jsonb) = 0 THEN rejected_rows
        ELSE rejected_rows || $5::jsonb END,
      fruitless_claims = CASE WHEN $6 THEN 0 ELSE fruitless_claims END,
      failures = CASE WHEN $6 THEN 0 ELSE failures END,
      error = NULL
    WHERE number = $1 AND claims = $2 AND state = 'active'
    RETURNING number
  ), held AS (
    INSERT INTO held_rows AS h (job, product_id, row, times, is_counted, content)
    SELECT number, "productId", row, times, "isCounted", content
    FROM recorded, json_to_recordset($7)
      AS given ("productId" text, row int, times int, "isCounted" boolean, content json)
    ON CONFLICT (job, product_id) DO UPDATE
      SET row = excluded.row, content = excluded.content, times = h.times + excluded.times
  ), released AS (
    DELETE FROM held_rows WHERE job IN (SELECT number FROM recorded) AND ($8 OR product_id = ANY ($9))
  )
  SELECT EXISTS (SELECT FROM recorded) AS recorded`;

/** Opens the repository, brings its schema up to date, and grants the API's role (if there is one) what it needs. */
export async function openJobRepository(
  url: string,
  { send, apiRole, onError }: { send: Send; apiRole?: string | undefined; onError: (error: unknown) => void },
): Promise<JobRepository> {
  await migrateJobs(url);
  const pool = openPool(url, { max: MAX_CONNECTIONS, name: 'catalog-worker jobs', onIdleError: onError });
  if (apiRole !== undefined) await grantAccepting(pool, apiRole);

  return {
    async claim(deliveries) {
      const { rows } = await pool.query<Claim>({
        name: 'claim',
        text: `WITH brought AS (
                 SELECT number, state FROM jobs
                 WHERE delivery = ANY ($1) AND state IN ('queued', 'active') ORDER BY number FOR UPDATE)
               UPDATE jobs j SET state = 'active', claims = claims + 1, fruitless_claims = fruitless_claims + 1,
                 started_at = coalesce(started_at, now())
               FROM brought b WHERE j.number = b.number
               RETURNING j.delivery, j.number, j.claims AS claim, j.request, j.traceparent, j.progress,
                 b.state = 'active' AS "isTakenOver", j.fruitless_claims AS "claimsWithoutProgress",
                 j.cancel_requested AS "cancelRequested"`,
        values: [arrayLiteral(deliveries)],
      });
      return rows;
    },

    async statusOf({ number, claim }) {
      const { rows } = await pool.query<{ cancelled: boolean }>({
        name: 'claim_status',
        text: `SELECT cancel_requested AS cancelled FROM jobs WHERE number = $1 AND claims = $2 AND state = 'active'`,
        values: [number, claim],
      });
      if (!rows[0]) return 'lost';
      return rows[0].cancelled ? 'cancelled' : 'held';
    },

    async failures({ number }) {
      const { rows } = await pool.query<{ failures: number }>('SELECT failures FROM jobs WHERE number = $1', [
        number,
      ]);
      return rows[0]?.failures ?? 0;
    },

    async record({ number, claim }, progress, { rejected, isFurther, held = [], released = [] }) {
      const kept = rejected.slice(0, Math.max(0, MAX_REJECTED_ROWS - (progress.rejected - rejected.length)));
      const { rows } = await pool.query<{ recorded: boolean }>({
        name: 'record',
        text: RECORD,
        values: [
          number,
          claim,
          progress,
          progress.rejected - rejected.length,
          JSON.stringify(kept),
          isFurther,
          JSON.stringify(held),
          released === 'all',
          textArray(released === 'all' ? [] : released),
        ],
      });
      return rows[0]!.recorded;
    },

    async held({ number }, limit) {
      const { rows } = await pool.query<HeldRow>({
        name: 'held',
        text: `SELECT product_id AS "productId", row, times, is_counted AS "isCounted", content
               FROM held_rows WHERE job = $1 ORDER BY row LIMIT $2`,
        values: [number, limit],
      });
      return rows;
    },

    async end(endings) {
      const { rows } = await pool.query<{ number: number }>({
        name: 'end',
        text: `WITH ended AS (
                 UPDATE jobs j SET state = e.state, result = e.result, position = e.position, error = e.error,
                   finished_at = now()
                 FROM json_to_recordset($1)
                   AS e (number bigint, claim int, state text, result json, position text, error json)
                 WHERE j.number = e.number AND j.claims = e.claim AND j.state = 'active'
                 RETURNING j.number
               ), released AS (DELETE FROM held_rows WHERE job IN (SELECT number FROM ended))
               SELECT number FROM ended`,
        values: [
          JSON.stringify(
            endings.map(({ claim: { number, claim }, ...ending }) => ({ number, claim, ...ending })),
          ),
        ],
      });
      const ended = new Set(rows.map(({ number }) => number));
      return endings.filter(({ claim }) => ended.has(claim.number));
    },

    postpone: ({ number, claim, request }, { delayS, failures, error }) =>
      inTransaction(pool, async (client) => {
        const delivery = randomUUID();
        const { rowCount } = await client.query(
          `UPDATE jobs SET state = 'queued', delivery = $3, failures = coalesce($4, failures),
             fruitless_claims = 0, error = $5
           WHERE number = $1 AND claims = $2 AND state = 'active'`,
          [number, claim, delivery, failures ?? null, error],
        );
        if (rowCount === 0) return;
        await send((text, values) => client.query(text, values), queueOf(request), delivery, { delayS });
      }),

    redeliver: (limit) =>
      inTransaction(pool, async (client) => {
        const { rows } = await client.query<{ delivery: string; request: JobRequest }>(
          `UPDATE jobs SET delivery = gen_random_uuid() WHERE number IN (
             SELECT number FROM jobs WHERE state IN ('queued', 'active') AND NOT ${isLive('jobs.delivery')}
             ORDER BY number LIMIT $1 FOR UPDATE SKIP LOCKED)
           RETURNING delivery, request`,
          [limit],
        );
        for (const { delivery, request } of rows) {
          await send((text, values) => client.query(text, values), queueOf(request), delivery);
        }
        return rows.length;
      }),

    sweeps: jobSweeps(pool),

    async waiting() {
      const { rows } = await pool.query<{ kind: JobRequest['kind']; state: JobState; jobs: number }>(
        `SELECT kind, state, count(*) AS jobs FROM jobs WHERE state IN ('queued', 'active') GROUP BY kind, state`,
      );
      return rows;
    },

    check: () => checkAnswers(pool),
    close: () => pool.end(),
  };
}
