/**
 * Whether the live generation needs its speed: somebody asks it, of whichever instance, or it has events to apply. What is
 * beside it then takes a small share of the time, else all of it. One that falls behind although it works does not rest until
 * the next look, or it would never catch up.
 */
import type { Pool } from '@micromart/postgres/pool';
import type { Generation } from './generation.ts';
import type { LiveGenerations } from './live-generations.ts';

const BUSY_SHARE = 0.2;
const WHOLE = 1;
/** Every instance looks once a second. */
const ASKED_WITHIN_S = 3;

export type Pressure = {
  /** The share of the time that a generation beside the live one may take now. */
  share(generation: string): number;
  /** Notes what this instance was asked, and learns what others were; done once a second while there is one beside. */
  look(generations: readonly Generation[]): Promise<void>;
};

type Row = {
  readonly name: string;
  readonly live: boolean;
  readonly asked: boolean;
  readonly applied: number;
  readonly lag: number;
};

export function createPressure(pool: Pool, live: Pick<LiveGenerations, 'entries'>): Pressure {
  let isBusy = true;
  let entries = 0;
  let before = new Map<string, Row>();
  const growing = new Set<string>();

  return {
    share: (generation) => (isBusy && !growing.has(generation) ? BUSY_SHARE : WHOLE),
    async look(generations) {
      const names = generations.map(({ name }) => name);
      if (live.entries() > entries)
        await pool.query('UPDATE generations SET asked_at = now() WHERE live AND name = ANY($1)', [names]);
      entries = live.entries();
      const { rows } = await pool.query<Row>(
        `SELECT g.name, g.live, COALESCE(g.asked_at > now() - make_interval(secs => $2), false) AS asked,
           COALESCE(sum(p.sequence), 0)::bigint AS applied, COALESCE(sum(p.head - p.sequence), 0)::bigint AS lag
         FROM generations g LEFT JOIN subscription_positions p ON p.subscription = g.name
         WHERE g.name = ANY($1) GROUP BY g.name`,
        [names, ASKED_WITHIN_S],
      );
      growing.clear();
      for (const { name, lag } of rows) if (lag > (before.get(name)?.lag ?? lag)) growing.add(name);
      isBusy = rows.some(
        (row) => row.live && (row.asked || row.applied > (before.get(row.name)?.applied ?? 0)),
      );
      before = new Map(rows.map((row) => [row.name, row]));
    },
  };
}
