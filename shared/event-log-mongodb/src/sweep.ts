import type { MongodbChangeStore } from './changes.ts';

const EVERY_MS = 60_000;

/** Moves events that were left behind to the log, every minute. */
export function startSweep(
  store: Pick<MongodbChangeStore<unknown>, 'sweep'>,
  onError: (error: unknown) => void,
): { close(): void } {
  const timer = setInterval(() => void store.sweep().catch(onError), EVERY_MS);
  timer.unref();
  return { close: () => clearInterval(timer) };
}
