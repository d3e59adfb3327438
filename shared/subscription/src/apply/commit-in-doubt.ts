/**
 * A batch that failed without an event at fault may have been committed all the same: a connection can break after the
 * commit and before its reply. Then only the positions in the database tell.
 */
import type { ReceivedEvent } from '@micromart/events/envelope';
import type { Pool } from '@micromart/postgres/pool';
import { readCheckpoint } from './checkpoint.ts';
import type { SubscriptionState } from './subscription-state.ts';

export type CommitInDoubt = {
  isOpen(): boolean;
  /** Remembers a batch of which nobody knows whether it was committed. */
  open(events: readonly ReceivedEvent[]): void;
  /** Reads the positions and puts the batch back into its buffers, which skip what lies at or below them. */
  settle(): Promise<void>;
};

export function createCommitInDoubt({
  pool,
  subscription,
  state,
}: {
  pool: Pool;
  subscription: string;
  state: SubscriptionState;
}): CommitInDoubt {
  let inDoubt: readonly ReceivedEvent[] = [];
  return {
    isOpen: () => inDoubt.length > 0,
    open(events) {
      inDoubt = events;
    },
    async settle() {
      const askedMs = performance.now();
      state.restart(await readCheckpoint(pool, subscription), askedMs);
      for (const event of inDoubt) state.fill(event.partition, [event]);
      inDoubt = [];
    },
  };
}
