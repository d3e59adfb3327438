/**
 * Whether the live generation needs its speed: somebody asks it, of whichever instance, or it has events to apply. What is
 * beside it then takes a small share of the time, else all of it. One that falls behind although it works does not rest until
 * the next look, or it would never catch up; but for the time in which the live one falls behind as well.
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

/** A generation as a look found it. */
export type Load = {
  readonly name: string;
  readonly live: boolean;
  /** Whether somebody asked it, seconds ago. */
  readonly asked: boolean;
  /** Events up to its positions, and from there to the heads that it knows. */
  readonly applied: number;
  readonly lag: number;
};

/** What a generation may take, by this look and the one before it. Pure. */
export function shareOf(generation: string, now: readonly Load[], before: readonly Load[]): number {
  const earlier = (name: string) => before.find((one) => one.name === name);
  const fallsBehind = ({ name, lag }: Load) => lag > (earlier(name)?.lag ?? lag);
  const live = now.find((one) => one.live);
  const own = now.find(({ name }) => name === generation);
  if (!live || !own) return BUSY_SHARE;
  if (fallsBehind(live)) return BUSY_SHARE;
  const isBusy = live.asked || live.applied > (earlier(live.name)?.applied ?? 0);
  return isBusy && !fallsBehind(own) ? BUSY_SHARE : WHOLE;
}

export function createPressure(pool: Pool, live: Pick<LiveGenerations, 'entries'>): Pressure {
  let entries = 0;
  let [now, before]: [readonly Load[], readonly Load[]] = [[], []];

  return {
    share: (generation) => shareOf(generation, now, before),
    async look(generations) {
      const names = generations.map(({ name }) => name);
      if (live.entries() > entries)
        await pool.query('UPDATE generations SET asked_at = now() WHERE live AND name = ANY($1)', [names]);
      entries = live.entries();
      const { rows } = await pool.query<Load>(
        `SELECT g.name, g.live, COALESCE(g.asked_at > now() - make_interval(secs => $2), false) AS asked,
           COALESCE(sum(p.sequence), 0)::bigint AS applied, COALESCE(sum(p.head - p.sequence), 0)::bigint AS lag
         FROM generations g LEFT JOIN subscription_positions p ON p.subscription = g.name
         WHERE g.name = ANY($1) GROUP BY g.name`,
        [names, ASKED_WITHIN_S],
      );
      [now, before] = [rows, now];
    },
  };
}
