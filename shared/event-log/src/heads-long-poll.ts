import type { Sequences } from '@micromart/events/position';
import type { EventLog, Heads, News } from './event-log.ts';
import { createTail } from './recent-events.ts';

/** How long a commit of another process may go unnoticed by a request that is being held. */
const POLL_MS = 400;

export type Wanted = {
  /** How long to wait for heads to move. */
  readonly waitMs: number;
  /** How many events to bring along, at most. */
  readonly events: number;
  readonly signal: AbortSignal;
};

export type HeadWatch = {
  /**
   * The heads, as soon as any partition lies beyond `after`, or when `waitMs` are over or the signal is aborted; with the
   * first events after `after`, at most `events`, where some were asked for. At once when any lies below `after`: that is
   * said by the database alone, never from memory, and shows that it was replaced. Whoever waits at the same time shares
   * the reading of the heads.
   */
  moved(after: Sequences, wanted: Wanted): Promise<News>;
  close(): void;
};

/** Watches the heads of a log for as long as somebody waits for them: woken by this process's commits, and by polling. */
export function createHeadWatch(log: EventLog): HeadWatch {
  const waiters = new Set<() => void>();
  const wake = () => {
    for (const waiter of [...waiters]) waiter();
  };
  let appends = 0;
  const tail = createTail();
  let unsubscribe: (() => void) | undefined;
  /** Once somebody has asked: as long as nobody follows, a commit is made into no news. */
  const listen = () => {
    unsubscribe ??= log.onAppended((events) => {
      tail.append(events);
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
      tail.learn(heads, askedMs);
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
        const known = tail.news(after, events, performance.now());
        // What it tells of others, and of the time, is to be no older than this; but nobody has to wait for that.
        if (tail.isOld(performance.now())) readHeads().catch(() => {});
        if (known) return known;
        const heads = await readHeads();
        if (liesBelow(heads.last, after)) return heads;
        const moved = [...heads.last].some(([partition, last]) => last > (after.get(partition) ?? 0));
        // After the heads, never with them: what they tell of is to be among the news.
        if (moved) return { ...heads, events: events > 0 ? await log.news(after, events) : undefined };
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
