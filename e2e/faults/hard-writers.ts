/** One run of writers that behave badly, and of followers who must not miss an event by it: tracking, and readers of our own. */
import { createDraw } from '@micromart/demo/draws';
import { collect } from './evidence/collect.ts';
import { type Evidence, NO_EVIDENCE } from './evidence/evidence.ts';
import { openFeed } from './evidence/log.ts';
import { NO_FIGURES } from './figures.ts';
import { openSystem } from './system/system.ts';
import type { RunOptions } from './under-load.ts';
import { followFeed, followNumbers, startFollower } from './writers/followers.ts';
import { runWriters } from './writers/postgres-writers.ts';

export type WritersScenario = {
  readonly says: string;
  /** How the readers follow: by the feed, or, the control, by a number that grows with each insertion. */
  readonly followers: 'feed' | 'numbers';
};

const FOLLOWERS = 3;

export async function runHardWriters(
  { followers: source }: WritersScenario,
  { events }: { events: number },
  { seed, replaced, say }: RunOptions,
): Promise<Evidence> {
  const system = await openSystem({ sides: 1, ...(replaced && { replaced }), say });
  const closers: (() => Promise<void>)[] = [];
  try {
    const url = system.database.urlOf('cart');
    const openNext = async () => {
      if (source === 'feed') return followFeed(await openFeed(system.issuer, system.sides[0].cartUrl));
      const numbers = await followNumbers(url);
      closers.push(numbers.close);
      return numbers.next;
    };
    const nexts = await Promise.all(Array.from({ length: source === 'feed' ? FOLLOWERS : 1 }, openNext));
    const running = nexts.map((next, n) => startFollower(`follower ${n + 1} by ${source}`, next));
    const ended = await runWriters(url, { events, draw: createDraw(`writers ${seed}`) });
    say(`${ended.committed} transactions committed, ${ended.rolledBack} rolled back, ${ended.died} died`);
    const followers = await Promise.all(running.map((one) => one.finish()));
    const { log, counters } = await collect(system);
    const counts = {
      'transactions rolled back': ended.rolledBack,
      'transactions whose writer died': ended.died,
      'events of hard writers': log.length,
    };
    return {
      ...NO_EVIDENCE,
      log,
      counters,
      followers,
      figures: { ...NO_FIGURES, counts },
      demands: {
        'transactions rolled back': 1,
        'transactions whose writer died': 1,
        'events of hard writers': events,
      },
    };
  } finally {
    for (const close of closers) await close();
    await system.close();
  }
}
