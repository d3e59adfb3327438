import { setTimeout as sleep } from 'node:timers/promises';
import type { EventSource } from '@micromart/subscription/sources/event-source';
import { LOG, type Workload } from './workload.ts';

/** An owner's log in memory, which answers at once: what is measured with it is the follower alone. */
export function createMemorySource({ partitions }: Workload): EventSource {
  const last = new Map(partitions.map((events, partition) => [partition, events.length]));
  return {
    async *watch({ waitS, signal }) {
      for (;;) {
        yield { log: LOG, at: new Date(), last };
        await sleep(waitS * 1_000, undefined, { signal });
      }
    },
    page: async ({ partition, after, limit }) => partitions[partition]!.slice(after, after + limit),
  };
}
