/**
 * What operators did: who, when, what, on what, and what came of it. An act is recorded in its own transaction, so that
 * neither is there without the other. One that was refused or failed is recorded after that.
 */
import { randomUUID } from 'node:crypto';
import { Problem } from '@micromart/http/problem';
import { isUnavailable } from '@micromart/postgres/failure';
import type { Client, Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import type { Sweep } from '@micromart/sweeping/sweeping';
import { toStorable } from '@micromart/text/storable';

export const ACT_KINDS = [
  ...['pause', 'resume', 'retry', 'discard', 'retry-many', 'discard-many'],
  ...['rebuild', 'compare', 'switch', 'switch-back', 'drop', 'reconcile'],
] as const;

/**
 * - `refused`: a rule was against it, and nothing was done; `failed`: something was away or broken, and nothing was done;
 * - `incomplete`: a part was done, as `result` says, or it is not known whether all was.
 */
export const OUTCOMES = ['done', 'refused', 'failed', 'incomplete'] as const;

export type Outcome = (typeof OUTCOMES)[number];

export type Act = {
  readonly kind: string;
  /** The operator's subject. */
  readonly by: string;
  /** What it was done to: the name of a subscription or generation, the id of a parked event. */
  readonly target: string;
};

export type RecordedAct = Act & {
  readonly id: string;
  readonly at: Date;
  readonly outcome: Outcome;
  readonly result: Readonly<Record<string, unknown>>;
};

/** Records that it is done, in the client's transaction. Called again, it replaces the result. */
export type RecordAct = (client: Client | Pool, result?: object) => Promise<void>;

export type Acts = {
  /** Does the work, which records itself. What it throws is recorded, and thrown. */
  perform<T>(act: Act, work: (record: RecordAct) => Promise<T>): Promise<T>;
};

const MAX_TEXT_LENGTH = 500;

export function createActs({ pool, logger }: { pool: Pool; logger: Logger }): Acts {
  return {
    async perform(act, work) {
      const id = randomUUID();
      const write = (client: Client | Pool, outcome: Outcome, result: object) =>
        writeAct(client, id, act, outcome, result);
      try {
        return await work((client, result = {}) => write(client, 'done', result));
      } catch (error) {
        await write(pool, outcomeOf(error), { reason: reasonOf(error) }).catch((err) =>
          logger.error({ err, act }, 'an act that failed could not be recorded'),
        );
        throw error;
      }
    },
  };
}

const outcomeOf = (error: unknown): Outcome =>
  error instanceof Problem && error.code !== 'unavailable' ? 'refused' : 'failed';

/** Errors that are no Problem tell of the inside; they are in the log. */
function reasonOf(error: unknown): string {
  if (error instanceof Problem) return toStorable(error.message, MAX_TEXT_LENGTH);
  return isUnavailable(error)
    ? 'the database was unavailable or busy'
    : 'an internal error, which the log shows';
}

/** A failure after a success leaves open how much was done, because the success may have been a part. */
async function writeAct(
  client: Client | Pool,
  id: string,
  { kind, by, target }: Act,
  outcome: Outcome,
  result: object,
): Promise<void> {
  await client.query(
    `INSERT INTO operator_acts AS known (act, by, kind, target, outcome, result) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (act) DO UPDATE SET result = known.result || excluded.result,
       outcome = CASE excluded.outcome WHEN 'done' THEN 'done' ELSE 'incomplete' END`,
    [
      id,
      toStorable(by, MAX_TEXT_LENGTH),
      kind,
      toStorable(target, MAX_TEXT_LENGTH),
      outcome,
      JSON.stringify(result),
    ],
  );
}

/** The newest first, before the id `before`. */
export async function listActs(
  pool: Pool,
  { before, limit, kind, by, outcome }: ActsQuestion,
): Promise<RecordedAct[]> {
  const { rows } = await pool.query<RecordedAct>(
    `SELECT id::text, at, by, kind, target, outcome, result FROM operator_acts
     WHERE ($1::bigint IS NULL OR id < $1) AND ($2::text IS NULL OR kind = $2) AND ($3::text IS NULL OR by = $3)
       AND ($4::text IS NULL OR outcome = $4)
     ORDER BY operator_acts.id DESC LIMIT $5`,
    [before ?? null, kind ?? null, by ?? null, outcome ?? null, limit],
  );
  return rows;
}

export type ActsQuestion = {
  readonly before: string | undefined;
  readonly limit: number;
  readonly kind: string | undefined;
  readonly by: string | undefined;
  readonly outcome: Outcome | undefined;
};

const KEPT = '1 year';

/** Deletes acts after a year. */
export const createActsSweep = (pool: Pool): Sweep => ({
  table: 'operator_acts',
  async sweep(limit) {
    const { rowCount } = await pool.query({
      name: 'sweep_acts',
      text: `DELETE FROM operator_acts WHERE id = ANY (ARRAY(
               SELECT id FROM operator_acts WHERE at < now() - $1::interval ORDER BY at LIMIT $2))`,
      values: [KEPT, limit],
    });
    return rowCount ?? 0;
  },
  async overdueS() {
    const { rows } = await pool.query<{ overdue: number }>({
      name: 'overdue_acts',
      text: `SELECT greatest(0, extract(epoch FROM now() - $1::interval - min(at)))::float8 AS overdue FROM operator_acts`,
      values: [KEPT],
    });
    return rows[0]?.overdue ?? 0;
  },
});
