/** Readers of the log that record the position of every event they see. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '@micromart/postgres/pool';
import { type EventSource, headsNow } from '@micromart/subscription/sources/event-source';
import type { Follower, Seen } from '../evidence/evidence.ts';

export type RunningFollower = {
  /** Follows on until nothing is left that it can see. */
  finish(): Promise<Follower>;
};

/** Reads what has come since the last call, and nothing when it has seen all. */
export type Next = () => Promise<readonly Seen[]>;

const PAUSE_MS = 5;
const PAGE_EVENTS = 500;

export function startFollower(name: string, next: Next): RunningFollower {
  const seen: Seen[] = [];
  let finishing = false;
  const run = async () => {
    for (;;) {
      const last = finishing;
      const events = await next();
      for (const event of events) seen.push(event);
      if (events.length === 0 && last) return { name, seen };
      if (events.length === 0) await sleep(PAUSE_MS);
    }
  };
  const running = run();
  return {
    finish: () => {
      finishing = true;
      return running;
    },
  };
}

/** By the owner's feed: positions in each partition. */
export function followFeed(source: EventSource): Next {
  const positions = new Map<number, number>();
  const { signal } = new AbortController();
  return async () => {
    const { log, last } = await headsNow(source, signal);
    const pages = [...last].flatMap(([partition, head]) => {
      const after = positions.get(partition) ?? 0;
      return head > after ? [source.page({ log, partition, after, limit: PAGE_EVENTS, signal })] : [];
    });
    const seen = (await Promise.all(pages))
      .flat()
      .map(({ partition, sequence }) => ({ partition, sequence: Number(sequence) }));
    for (const { partition, sequence } of seen) positions.set(partition, sequence);
    return seen;
  };
}

/** The control: by a global number that the database gives on insertion, `number > last`. */
export async function followNumbers(url: string): Promise<{ next: Next; close: () => Promise<void> }> {
  const pool = openPool(url, { max: 1, name: 'faults' });
  await pool.query('ALTER TABLE event_log_events ADD COLUMN number bigint GENERATED ALWAYS AS IDENTITY');
  await pool.query('CREATE INDEX event_log_events_number ON event_log_events (number)');
  let last = 0;
  return {
    async next() {
      const { rows } = await pool.query<Seen & { number: number }>(
        `SELECT number, partition, sequence FROM event_log_events WHERE number > $1 ORDER BY number LIMIT ${PAGE_EVENTS}`,
        [last],
      );
      last = rows.at(-1)?.number ?? last;
      return rows.map(({ partition, sequence }) => ({ partition, sequence }));
    },
    close: () => pool.end(),
  };
}
