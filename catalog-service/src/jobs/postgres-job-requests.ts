import { randomUUID } from 'node:crypto';
import { problem } from '@micromart/http/problem';
import { isMissingOrDenied, isUnavailable } from '@micromart/postgres/failure';
import { type Client, inTransaction, openPool, type Pool } from '@micromart/postgres/pool';
import { type Job, queueOf } from '../job.ts';
import { openSend, type Send } from '../queue/pg-boss.ts';
import type { JobRequests } from './job-requests.ts';

const MAX_CONNECTIONS = 5;

/** A job without its rejected rows, of which there may be many. */
const COLUMNS = `id, number, request, state, claims AS attempts, cancel_requested AS "cancelRequested",
  accepted_at AS "acceptedAt", started_at AS "startedAt", finished_at AS "finishedAt", progress, result, position, error`;

export function openJobRequests(url: string, onError: (error: unknown) => void): JobRequests {
  const pool = openPool(url, { max: MAX_CONNECTIONS, name: 'catalog-service jobs', onIdleError: onError });
  let opening: ReturnType<typeof openSend> | undefined;

  /**
   * Opened with the first job, and again after a failure, because the schema may come later than this process. Never call
   * it within a transaction: it takes a second connection, and transactions that hold all others would deadlock with it.
   */
  async function sender(): Promise<Send> {
    opening ??= openSend((text, values) => pool.query(text, values), onError).catch((error) => {
      opening = undefined;
      onError(error);
      throw isUnavailable(error) ? error : schemaMissing();
    });
    return (await opening).send;
  }

  return {
    accept: ({ request, subject, traceparent }) =>
      withSchema(async () => {
        const send = await sender();
        return inTransaction(pool, async (client) => {
          const id = randomUUID();
          const { rows } = await client.query<Omit<Job, 'rejectedRows'>>({
            name: 'accept',
            text: `INSERT INTO jobs (id, request, subject, traceparent, delivery) VALUES ($1, $2, $3, $4, $1)
                   RETURNING ${COLUMNS}`,
            values: [id, request, subject, traceparent],
          });
          await send((text, values) => client.query(text, values), queueOf(request), id);
          return { ...rows[0]!, rejectedRows: [] };
        });
      }),

    find: (id) =>
      withSchema(async () => {
        const { rows } = await pool.query<Job>({
          name: 'find',
          text: `SELECT ${COLUMNS}, rejected_rows AS "rejectedRows" FROM jobs WHERE id = $1`,
          values: [id],
        });
        return rows[0] ?? (await findGone(pool, id));
      }),

    list: ({ state, before, limit }) =>
      withSchema(async () => {
        const { rows } = await pool.query<Omit<Job, 'rejectedRows'>>(
          `SELECT ${COLUMNS} FROM jobs
           WHERE ($1::text IS NULL OR state = $1) AND ($2::bigint IS NULL OR number < $2)
           ORDER BY number DESC LIMIT $3`,
          [state ?? null, before ?? null, limit],
        );
        return rows.map((row) => ({ ...row, rejectedRows: [] }));
      }),

    cancel: (id) =>
      withSchema(async () => {
        const { rows } = await pool.query<{ cancelled: boolean }>('SELECT cancel_job($1) AS cancelled', [id]);
        return rows[0]!.cancelled;
      }),

    async check() {
      try {
        await pool.query('SELECT FROM jobs LIMIT 0');
        return { ok: true };
      } catch (error) {
        return {
          ok: false,
          detail: isMissingOrDenied(error) ? SCHEMA_MISSING : "the jobs' database does not answer",
        };
      }
    },

    async close() {
      await opening?.then(
        (sender) => sender.close(),
        () => {},
      );
      await pool.end();
    },
  };
}

async function findGone(pool: Pool | Client, id: string): Promise<'gone' | undefined> {
  const { rowCount } = await pool.query('SELECT FROM jobs_gone WHERE id = $1', [id]);
  return rowCount ? 'gone' : undefined;
}

const SCHEMA_MISSING = "the catalog's worker has not created the schema of the jobs yet";
const schemaMissing = () => problem('unavailable', `Not yet: ${SCHEMA_MISSING}.`);

async function withSchema<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isMissingOrDenied(error) ? schemaMissing() : error;
  }
}
