/**
 * Works through a stream of items, several at once but never two of the same key: those of one key follow each other in
 * the stream's order. Only `lookAhead` items are held beyond the ones in work, so a stream of any length fits; when all
 * of them wait for keys in work, it works on fewer at once rather than read further.
 *
 * The first failure aborts the signal that the others were given, and is thrown once all of them have ended.
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
   * Starts items whose keys are free until at most `most` wait. What still waits then waits for a key in work, so some
   * work is running.
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
