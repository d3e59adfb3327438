/**
 * P9: the top products of a window of time, over a million events in a week. Ours is the list of shopper tracking, from
 * its buckets; theirs the same question in SQL over the events, with an index on their time. Both by the same client.
 */
import { openPool } from '@micromart/postgres/pool';
import { openCartStore } from './cart-database.ts';
import { onFreshDatabase } from './database.ts';
import type { Figure } from './figure.ts';
import { fillLog, groupIntoCounters } from './filled-log.ts';
import { openCounters } from './follower-database.ts';
import { compare, quantile, requireSame, runRounds } from './protocol.ts';

const EVENTS = 1_000_000;
const QUICK_EVENTS = 100_000;
const TOP = 20;
const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** Of one leg: ours is quick, so it is asked more often. */
const ASKED = { ours: 30, theirs: 3 };

export const p9Top: Figure = ({ server, rounds, quick, tell }) =>
  onFreshDatabase(server, async (url) => {
    const events = quick ? QUICK_EVENTS : EVENTS;
    const endMs = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS;
    // Ragged ends: neither at an hour nor at midnight, the last one within the two days of which minutes are kept.
    const window = { from: endMs - 5.37 * DAY_MS, to: endMs - 0.61 * DAY_MS };
    const rounded = {
      from: floorTo(window.from, 60 * MINUTE_MS),
      to: floorTo(window.to, MINUTE_MS),
      minutesFrom: floorTo(endMs - 2 * DAY_MS, 60 * MINUTE_MS),
    };
    const owner = await openCartStore(url);
    const follower = await openCounters(url);
    const pool = openPool(url, { max: 1, name: 'bench' });
    try {
      await fillLog(pool, { events, endMs });
      await pool.query('CREATE INDEX ON event_log_events (time)');
      await groupIntoCounters(pool);
      await pool.query('VACUUM (ANALYZE)');
      const client = await pool.connect();
      const ours = async () => {
        const list = { sort: 'added', descending: true, window: rounded, minAdded: 0, limit: TOP } as const;
        return (await follower.list(client, list)).map(({ productId, added }) => ({ productId, added }));
      };
      const theirs = async () => {
        const { rows } = await client.query<{ productId: string; added: number }>({
          name: 'top',
          text: `SELECT data ->> 'productId' COLLATE "C" AS "productId", count(*) AS added FROM event_log_events
                 WHERE type = 'cart.item-added' AND time >= $1 AND time < $2
                 GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ${TOP}`,
          values: [new Date(rounded.from), new Date(rounded.to)],
        });
        return rows;
      };
      const expected = await theirs();
      const leg = (name: string, ask: () => Promise<unknown>, times: number) => ({
        name,
        run: async () => {
          const tookMs: number[] = [];
          for (let n = 0; n < times; n += 1) {
            const startedMs = performance.now();
            const found = await ask();
            tookMs.push(performance.now() - startedMs);
            requireSame('top list', found, expected);
          }
          return 1_000 / quantile(tookMs, 0.5);
        },
      });
      const legs = [leg('ours', ours, ASKED.ours), leg('SQL over the events', theirs, ASKED.theirs)];
      const [own, sql] = await runRounds(legs, { rounds, warmUps: 1, tell });
      client.release();
      return [
        {
          figure: 'P9',
          what: `top ${TOP} in a window of 4.8 days, ${events.toLocaleString('en')} events in a week`,
          against: 'SQL over the events, indexed by time',
          unit: 'answers/s',
          bar: { atLeast: 100, moonshot: 1_000 },
          ...compare(own!, sql!),
        },
      ];
    } finally {
      await pool.end();
      await follower.close();
      await owner.close();
    }
  });

const floorTo = (ms: number, step: number): number => Math.floor(ms / step) * step;
