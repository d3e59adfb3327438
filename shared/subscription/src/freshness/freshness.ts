/**
 * How fresh an answer is. `asOf`: everything committed before this time is included. `positions`: how far into which logs
 * the data reaches. Both are read in the snapshot of the data, else they would describe another moment. So is which
 * generation is live, because an answer comes from that one alone.
 *
 * `asOf` is the smallest of all partitions. It lies before the time of the oldest parked event, which was committed but is
 * not included.
 */
import type { LogPosition } from '@micromart/events/position';
import { problem } from '@micromart/http/problem';
import { type Client, inSnapshot, type Pool } from '@micromart/postgres/pool';
import type { LiveGeneration } from '../generations/generation.ts';
import {
  createLiveGenerations,
  type Entered,
  type LiveGenerations,
} from '../generations/live-generations.ts';

export type Freshness = {
  readonly asOf: Date;
  readonly positions: readonly LogPosition[];
  /** Which generation of each model is live. */
  readonly live: readonly LiveGeneration[];
};

type Row = LiveGeneration & {
  subscription: string | null;
  log: string | null;
  partition: number | null;
  sequence: number;
  as_of: Date | null;
  oldest_parked: Date | null;
};

/** A switch is rare; that many while one answer is read are a fault. */
const MAX_ATTEMPTS = 5;

/**
 * The freshness of what these names have built, as this transaction sees it. They are names of read models, or of
 * subscriptions without generations. `asOf` is 1970 until all are known.
 */
export async function freshnessOf(client: Client, names: readonly string[]): Promise<Freshness> {
  const { rows } = await client.query<Row>({
    name: 'freshness',
    text: `SELECT wanted.model, COALESCE(g.name, wanted.model) AS name, COALESCE(g.number, 1) AS number,
             COALESCE(g.shape, 1) AS shape, s.name AS subscription, s.log, p.partition, p.sequence, p.as_of,
             CASE WHEN p.parked > 0 THEN (
               SELECT min(e.time) FROM parked_events e
               WHERE e.subscription = p.subscription AND e.partition = p.partition AND e.state = 'parked'
             ) END AS oldest_parked
           FROM unnest($1::text[]) AS wanted (model)
           LEFT JOIN generations g ON g.model = wanted.model AND g.live
           LEFT JOIN subscriptions s ON s.name = COALESCE(g.name, wanted.model)
           LEFT JOIN subscription_positions p ON p.subscription = s.name ORDER BY wanted.model, p.partition`,
    values: [names],
  });
  const isKnown = rows.every(({ subscription }) => subscription !== null);
  const times = rows.map((row) =>
    Math.min(row.as_of?.getTime() ?? 0, row.oldest_parked ? row.oldest_parked.getTime() - 1 : Infinity),
  );
  const live = new Map(rows.map(({ model, name, number, shape }) => [model, { model, name, number, shape }]));
  return {
    asOf: new Date(isKnown ? Math.min(...times) : 0),
    positions: rows.flatMap(({ log, partition, sequence }) =>
      log === null || partition === null ? [] : [{ log, partition, sequence }],
    ),
    live: [...live.values()],
  };
}

/**
 * Reads data together with its freshness, in one snapshot. `read` also gets the freshness, as a promise, so that a read
 * that does not need it does not wait for it. Bare names of tables mean the live generation's; where that is not the first
 * generation, they mean no others. When another generation turns out to be live than was known, `before` and `read` run
 * again. `hold` is called once, with what was read in the live one: until it settles, the snapshot stays open. Throws a Problem when this process cannot serve the live generation.
 */
export async function readFresh<T>(
  pool: Pool,
  names: readonly string[],
  read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
  {
    live = createLiveGenerations(),
    before = async () => {},
    hold = async () => {},
  }: {
    live?: LiveGenerations;
    before?: () => Promise<void>;
    hold?: (answer: Freshness & { readonly value: T }) => Promise<void>;
  } = {},
): Promise<Freshness & { readonly value: T }> {
  for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
    await before();
    const entered = await enterLive(pool, names, live);
    const answer = await readOnce(pool, names, read, entered, hold);
    if ('value' in answer) return answer;
    live.learn(answer.live);
  }
  throw problem('unavailable', 'Another generation became live again and again. Try again.');
}

/** Refuses only what cannot be served by now: another generation may have become live since this process last knew. */
async function enterLive(pool: Pool, names: readonly string[], live: LiveGenerations): Promise<Entered> {
  try {
    return live.enter(names);
  } catch {
    const known = await inSnapshot(pool, (client) => freshnessOf(client, names));
    live.learn(known.live);
    return live.enter(names);
  }
}

/** Gives no value when it was read in a generation that is not live. */
function readOnce<T>(
  pool: Pool,
  names: readonly string[],
  read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
  { generations, searchPath }: Entered,
  hold: (answer: Freshness & { readonly value: T }) => Promise<void>,
): Promise<Freshness & ({ readonly value: T } | Record<never, never>)> {
  const isLive = ({ model, name }: LiveGeneration) => generations.get(model) === name;
  return inSnapshot(pool, async (client) => {
    const freshness = freshnessOf(client, names);
    // Sent with the others, so it costs no round trip.
    const entered = searchPath === undefined ? undefined : enter(client, searchPath);
    try {
      const [value, known] = await Promise.all([read(client, freshness), freshness, entered]);
      if (!known.live.every(isLive)) return known;
      await hold({ ...known, value });
      return { ...known, value };
    } catch (error) {
      const known = await freshness.catch(() => undefined);
      // In a generation that was dropped, no table is found.
      if (!known || known.live.every(isLive)) throw error;
      return known;
    }
  });
}

const enter = (client: Client, searchPath: string) =>
  client.query({
    name: 'enter',
    text: "SELECT set_config('search_path', $1, true)",
    values: [searchPath],
  });
