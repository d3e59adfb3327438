/** The rows of generations in a follower's database. */
import type { Client, Pool } from '@micromart/postgres/pool';
import { type Generation, generationName } from './generation.ts';

/** A generation with all that is stored of it. */
export type StoredGeneration = Generation & {
  readonly predecessor: string | null;
  readonly requestedBy: string | null;
  readonly requestedAt: Date;
  readonly liveSince: Date | null;
  readonly roomBytes: number | null;
  readonly eventsPerS: number | null;
  readonly comparison: unknown;
  readonly failure: string | null;
  readonly changedAt: Date;
};

const COLUMNS = `name, model, number, shape, state, live, predecessor, requested_by AS "requestedBy",
  requested_at AS "requestedAt", live_since AS "liveSince", room_bytes AS "roomBytes", events_per_s AS "eventsPerS",
  comparison, failure, changed_at AS "changedAt"`;

/** So many dropped generations of a model stay as a record; the older ones go when a new one is made. */
const KEPT_DROPPED = 20;

/**
 * Makes the row of a model's first generation. One that is there already was begun by a version that knew no shapes, so
 * its shape is the first.
 */
export async function ensureFirst(pool: Pool, model: string, shape: number): Promise<void> {
  await pool.query(
    `INSERT INTO generations (name, model, number, shape, state, live, live_since)
     SELECT $1, $1, 1, CASE WHEN EXISTS (SELECT FROM subscriptions WHERE name = $1) THEN 1 ELSE $2::int END, 'ready', true, now()
     WHERE NOT EXISTS (SELECT FROM generations WHERE model = $1) ON CONFLICT DO NOTHING`,
    [model, shape],
  );
}

/** All generations of a model, dropped ones too, the oldest first. */
export async function listGenerations(client: Client | Pool, model: string): Promise<StoredGeneration[]> {
  const { rows } = await client.query<StoredGeneration>(
    `SELECT ${COLUMNS} FROM generations WHERE model = $1 ORDER BY number`,
    [model],
  );
  return rows;
}

/** Within a transaction: whoever begins, switches or drops a generation of the model waits for the others. */
export async function lockModel(client: Client, model: string): Promise<void> {
  await client.query("SELECT pg_advisory_xact_lock(hashtextextended('generations of ' || $1, 0))", [model]);
}

/** Makes the row of the next generation, in a transaction that has locked the model; gives its name. */
export async function addNext(
  client: Client,
  model: string,
  { shape, by, roomBytes }: { shape: number; by: string; roomBytes: number },
): Promise<string> {
  const known = await listGenerations(client, model);
  const number = Math.max(...known.map((one) => one.number)) + 1;
  const name = generationName(model, number);
  await client.query(
    `INSERT INTO generations (name, model, number, shape, state, requested_by, room_bytes)
     VALUES ($1, $2, $3, $4, 'creating', $5, $6)`,
    [name, model, number, shape, by, roomBytes],
  );
  const gone = known.filter(({ state, number }) => state === 'dropped' && number > 1).slice(0, -KEPT_DROPPED);
  const names = gone.map((one) => one.name);
  await client.query('DELETE FROM subscriptions WHERE name = ANY($1)', [names]);
  await client.query('DELETE FROM generations WHERE name = ANY($1)', [names]);
  return name;
}

/** Takes a generation from one state to the next; gives whether it was in the first. */
export async function advance(
  client: Client | Pool,
  name: string,
  from: Generation['state'],
  to: Generation['state'],
): Promise<boolean> {
  const { rowCount } = await client.query(
    'UPDATE generations SET state = $3, failure = NULL, changed_at = now() WHERE name = $1 AND state = $2',
    [name, from, to],
  );
  return rowCount === 1;
}
