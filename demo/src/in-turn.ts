/**
 * Works through a stream of items, several at once but never two of the same key: those of one key follow each other in the
 * stream's order. It holds only `lookAhead` items beyond the running ones, so a stream of any length fits. If all of them wait
 * for busy keys, it works on fewer at once instead of reading further.
 *
 * The first failure aborts the signal of the others, and is thrown once all of them have ended.
 */
export async function forEachInTurn<T>(
  items: AsyncIterable<T>,
  { keyOf, concurrency, lookAhead }: { keyOf: (item: T) => string; concurrency: number; lookAhead: number },
  work: (item: T, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const failure = new AbortController();
  const busy = new Set<string>();
  const running = new Set<Promise<void>>();
  const waiting: T[] = [];

  const start = (item: T): void => {
    const key = keyOf(item);
    busy.add(key);
    const done: Promise<void> = work(item, failure.signal)
      .catch((error) => failure.abort(error))
      .finally(() => {
        busy.delete(key);
        running.delete(done);
      });
    running.add(done);
  };
  const startThoseFree = (): void => {
    for (let at = 0; at < waiting.length && running.size < concurrency; )
      if (busy.has(keyOf(waiting[at]!))) at++;
      else start(waiting.splice(at, 1)[0]!);
  };

  /**
   * Starts items whose keys are free until at most `most` wait. Each item that still waits needs a busy key, so some work is
   * running.
   */
  const startUntil = async (most: number): Promise<void> => {
    startThoseFree();
    while (waiting.length > most && !failure.signal.aborted) {
      await Promise.race(running);
      startThoseFree();
    }
  };

  try {
    for await (const item of items) {
      waiting.push(item);
      await startUntil(lookAhead - 1);
      if (failure.signal.aborted) break;
    }
    await startUntil(0);
  } catch (error) {
    failure.abort(error);
  }
  await Promise.all(running);
  failure.signal.throwIfAborted();
}
