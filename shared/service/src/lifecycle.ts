/** What a process holds, and the order in which it closes that. */

export type Closable = { close(): Promise<void> | void };

export type Lifecycle = {
  /** Registers what others work with, such as a store or a pool. Returns its argument. */
  opened<T extends Closable>(resource: T): T;
  /** Registers what works by itself, such as a server, a relay or a subscription. Returns its argument. */
  started<T extends Closable>(worker: T): T;
  /**
   * First stops all that was started, concurrently: each may need seconds, and together they need no more than the slowest.
   * Then closes what was opened, one after another, the last one first. An error stops nothing: everything is closed, then
   * the error is thrown; several become an AggregateError.
   */
  close(): Promise<void>;
};

export function createLifecycle(): Lifecycle {
  const resources: Closable[] = [];
  const workers: Closable[] = [];

  return {
    opened(resource) {
      resources.push(resource);
      return resource;
    },
    started(worker) {
      workers.push(worker);
      return worker;
    },
    async close() {
      const errors: unknown[] = [];
      const close = async (one: Closable) => {
        try {
          await one.close();
        } catch (error) {
          errors.push(error);
        }
      };
      await Promise.all(workers.toReversed().map(close));
      for (const resource of resources.toReversed()) await close(resource);
      if (errors.length > 1) throw new AggregateError(errors, 'several parts did not close');
      if (errors.length === 1) throw errors[0];
    },
  };
}
