import type { Sequences } from '@micromart/events/position';
import type { EventLog, Heads, HeadsWithEvents } from './event-log.ts';
import { createRecentEvents } from './recent-events.ts';

/** How late a waiting request may notice a commit of another process. */
const POLL_MS = 400;

export type HeadsRequest = {
  /** How long to wait for heads to move. */
  readonly waitMs: number;
  /** How many events may come with the heads, at most. */
  readonly events: number;
  readonly signal: AbortSignal;
};

export type HeadsLongPoll = {
  /**
   * Resolves with the heads as soon as any partition lies beyond `after`, or when `waitMs` are over or the signal is aborted;
   * with the first events after `after`, at most `events`. Resolves at once when any head lies below `after`: only the database
   * may say so, never memory, and it shows that the log was replaced. Requests that wait at the same time share one query.
   */
  moved(after: Sequences, wanted: HeadsRequest): Promise<HeadsWithEvents>;
  close(): void;
};

/** Watches the heads of a log as long as any request waits for them: by this process's commits, and by polling. */
export function createHeadsLongPoll(log: EventLog): HeadsLongPoll {
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };
  let appends = 0;
  const recentEvents = createRecentEvents();
  let unsubscribe: (() => void) | undefined;
  /** Called by the first request: as long as nobody follows, commits need not build events. */
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
   * One query serves all requests that come before it is sent, never a later one: a query that began before a commit does not
   * show it.
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
        // Refreshes the time, and what others append, in the background.
        if (recentEvents.isOld(performance.now())) readHeads().catch(() => {});
        if (known) return known;
        const heads = await readHeads();
        if (liesBelow(heads.last, after)) return heads;
        const moved = [...heads.last].some(([partition, last]) => last > (after.get(partition) ?? 0));
        // After the heads, never at the same time: the events must reach as far as the heads.
        if (moved) return { ...heads, events: events > 0 ? await log.eventsAfter(after, events) : undefined };
        if (Date.now() >= untilMs || signal.aborted) return heads;
        // A commit during that query has woken nobody yet.
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

/** Whether any head lies below the known sequence of its partition. */
export const liesBelow = (heads: Sequences, known: Sequences): boolean =>
  [...known].some(([partition, sequence]) => (heads.get(partition) ?? 0) < sequence);
