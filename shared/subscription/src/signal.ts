/**
 * Wakes whoever waits for something to change within this process. It remembers nobody who is not waiting: look, then
 * wait, and look again, with no `await` between looking and waiting. Who must await while looking compares `rings`.
 */
export type Bell = {
  ring(): void;
  /** How often it has rung. */
  readonly rings: number;
  /** Comes back at the next ring, when the signal is aborted, or after `maxMs`. Never throws. */
  next(signal: AbortSignal, maxMs?: number): Promise<void>;
};

export function createBell(): Bell {
  const listeners = new Set<() => void>();
  let rings = 0;
  return {
    get rings() {
      return rings;
    },
    ring() {
      rings += 1;
      for (const wake of [...listeners]) wake();
    },
    next: (signal, maxMs) =>
      new Promise((resolve) => {
        const timer = maxMs === undefined ? undefined : setTimeout(wake, maxMs);
        function wake() {
          clearTimeout(timer);
          signal.removeEventListener('abort', wake);
          listeners.delete(wake);
          resolve();
        }
        listeners.add(wake);
        signal.addEventListener('abort', wake);
        if (signal.aborted) wake();
      }),
  };
}
