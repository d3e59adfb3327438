/**
 * What clients missed while they were away. All that come back at the same time, as after a restart of an instance, are
 * served by one question, from the one on that has missed most.
 */
import { type ChangeId, parseChangeId } from '../change-id.ts';
import type { Found } from './change-events.ts';
import { dataOf, idOf, type ReadChanges, type Snapshot, toTell } from './read-changes.ts';

type Waiting = { readonly resolve: (snapshot: Snapshot) => void; readonly reject: (error: unknown) => void };

/** Takes the client's `Last-Event-ID`, whatever it is. Rejects as ReadChanges. */
export type CatchUp = (lastEventId: string) => Promise<Found>;

export function createCatchUp(read: ReadChanges): CatchUp {
  let waiting: (Waiting & { readonly id: ChangeId | undefined })[] = [];
  let isReading = false;

  async function readForAll(): Promise<void> {
    isReading = true;
    while (waiting.length > 0) {
      const served = waiting;
      waiting = [];
      const ids = served.flatMap(({ id }) => id ?? []);
      const oldest = ids.reduce<ChangeId | undefined>((a, b) => (a && a.xid < b.xid ? a : b), undefined);
      try {
        const snapshot = await read(oldest && { id: oldest, above: [] });
        for (const { resolve } of served) resolve(snapshot);
      } catch (error) {
        for (const { reject } of served) reject(error);
      }
    }
    isReading = false;
  }

  return async (lastEventId) => {
    const id = parseChangeId(lastEventId);
    const snapshot = await new Promise<Snapshot>((resolve, reject) => {
      waiting.push({ id, resolve, reject });
      if (!isReading) void readForAll();
    });
    return foundBy(id, snapshot);
  };
}

/** What a snapshot has for somebody who stands at `id`. */
export function foundBy(id: ChangeId | undefined, snapshot: Snapshot): Found {
  const told = toTell(id, snapshot);
  if (typeof told === 'string') return { id: idOf(snapshot), reset: told };
  const products = told.map((product) => [product.counts.productId, dataOf(product, snapshot)] as const);
  return { id: idOf(snapshot), products: new Map(products) };
}
