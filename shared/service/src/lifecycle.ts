/** What a process holds, and the order in which it lets go of it. */

export type Closable = { close(): Promise<void> | void };

export type Lifecycle = {
  /** For what others work with, such as a store or a pool. Gives back what it is given. */
  opened<T extends Closable>(resource: T): T;
  /** For what works by itself, such as a server, a relay or a subscription. Gives back what it is given. */
  started<T extends Closable>(worker: T): T;
  /**
   * First stops all that was started, at the same time, the last one first: each may need seconds, and together they have
   * as long as one of them. Then closes what was opened, one after the other, the last one first. An error stops nobody:
   * everything is closed, then the error is thrown; of several, an AggregateError.
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
