import type { Sequences } from '@micromart/events/position';
import type { EventLog, Heads, HeadsWithEvents } from './event-log.ts';
import { createRecentEvents } from './recent-events.ts';

/** How long a commit of another process may go unnoticed by a request that is being held. */
const POLL_MS = 400;

export type HeadsRequest = {
  /** How long to wait for heads to move. */
  readonly waitMs: number;
  /** How many events to bring along, at most. */
  readonly events: number;
  readonly signal: AbortSignal;
};

export type HeadsLongPoll = {
  /**
   * The heads, as soon as any partition lies beyond `after`, or when `waitMs` are over or the signal is aborted; with the
   * first events after `after`, at most `events`, where some were asked for. At once when any lies below `after`: that is
   * said by the database alone, never from memory, and shows that it was replaced. Whoever waits at the same time shares
   * the reading of the heads.
   */
  moved(after: Sequences, wanted: HeadsRequest): Promise<HeadsWithEvents>;
  close(): void;
};

/** Watches the heads of a log for as long as somebody waits for them: woken by this process's commits, and by polling. */
export function createHeadsLongPoll(log: EventLog): HeadsLongPoll {
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };
  let appends = 0;
  const recentEvents = createRecentEvents();
  let unsubscribe: (() => void) | undefined;
  /** Once somebody has asked: as long as nobody follows, a commit is made into no news. */
  const listen = () => {
    unsubscribe ??= log.onAppended((events) => {
      recentEvents.append(events);
      appends += 1;
      wake();
    });
  };
  let reading: Promise<Heads> | undefined;
  let timer: NodeJS.Timeout | undefined;

  /**
   * One reading serves all who ask before it has been sent off, never who asks later: a reading that began before a
   * commit does not show it.
   */
  const readHeads = (): Promise<Heads> => {
    reading ??= new Promise<void>((resolve) => setImmediate(resolve)).then(async () => {
      reading = undefined;
      const askedMs = performance.now();
      const heads = await log.heads();
      recentEvents.setHeads(heads, askedMs);
      return heads;
    });
    return reading;
  };

  const nextWake = (untilMs: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      const deadline = setTimeout(done, Math.max(0, untilMs - Date.now()));
      function done() {
        clearTimeout(deadline);
        signal.removeEventListener('abort', done);
        waiters.delete(done);
        if (waiters.size === 0) clearInterval(timer);
        resolve();
      }
      if (waiters.size === 0) timer = setInterval(wake, POLL_MS);
      waiters.add(done);
      signal.addEventListener('abort', done);
      if (signal.aborted) done();
    });

  return {
    async moved(after, { waitMs, events, signal }) {
      listen();
      const untilMs = Date.now() + waitMs;
      for (;;) {
        const before = appends;
        const known = recentEvents.headsWithEvents(after, events, performance.now());
        // What it tells of others, and of the time, is to be no older than this; but nobody has to wait for that.
        if (recentEvents.isOld(performance.now())) readHeads().catch(() => {});
        if (known) return known;
        const heads = await readHeads();
        if (liesBelow(heads.last, after)) return heads;
        const moved = [...heads.last].some(([partition, last]) => last > (after.get(partition) ?? 0));
        // After the heads, never with them: what they tell of is to be among the news.
        if (moved) return { ...heads, events: events > 0 ? await log.eventsAfter(after, events) : undefined };
        if (Date.now() >= untilMs || signal.aborted) return heads;
        // A commit while the heads were read has woken nobody yet.
        if (appends === before) await nextWake(untilMs, signal);
      }
    },
    close() {
      unsubscribe?.();
      clearInterval(timer);
      wake();
    },
  };
}

/** Whether heads lie below what was known before in any partition. */
export const liesBelow = (heads: Sequences, known: Sequences): boolean =>
  [...known].some(([partition, sequence]) => (heads.get(partition) ?? 0) < sequence);
