/**
 * Wakes what waits for a change within this process. It keeps no notification for a caller that is not waiting yet. So check
 * the condition, wait, and check again, with no `await` between check and wait. A caller whose check awaits compares
 * `notifications` before and after it.
 */
export type Notifier = {
  notify(): void;
  /** How often it has notified. */
  readonly notifications: number;
  /** Resolves at the next notification, when the signal is aborted, or after `maxMs`. Never rejects. */
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
