/**
 * Wakes whoever waits for something to change within this process. It remembers nobody who is not waiting: look, then
 * wait, and look again, with no `await` between looking and waiting. Who must await while looking compares `rings`.
 */
export type Notifier = {
  notify(): void;
  /** How often it has rung. */
  readonly notifications: number;
  /** Comes back at the next ring, when the signal is aborted, or after `maxMs`. Never throws. */
  next(signal: AbortSignal, maxMs?: number): Promise<void>;
};

export function createNotifier(): Notifier {
  const listeners = new Set<() => void>();
  let notifications = 0;
  return {
    get notifications() {
      return notifications;
    },
    notify() {
      notifications += 1;
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
