/** Reads changes in one snapshot with the generation that is answered, and with what is kept. */
import { isCancelled } from '@micromart/postgres/failure';
import type { Client } from '@micromart/postgres/pool';
import type { Freshness } from '@micromart/subscription/freshness/freshness';
import {
  type ChangeId,
  formatChangeId,
  type KeptChanges,
  lastOf,
  lostSince,
  MAX_PRODUCTS,
} from '../change-id.ts';
import type { ChangedProduct, CountStore } from '../store/store.ts';
import type { ResetReason } from './change-events.ts';

/** Reads in a snapshot, in the generation that is live in it. */
export type InSnapshot = <T>(
  read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
) => Promise<{ readonly value: T }>;

/** What was told before: all up to `id`, and what these transactions changed. */
export type Told = { readonly id: ChangeId; readonly above: readonly bigint[] };

export type Snapshot = {
  readonly kept: KeptChanges;
  readonly asOf: string;
  /** What changed since, the last first; undefined where that is more than can be read. */
  readonly changed: readonly ChangedProduct[] | undefined;
};

export type ReadChanges = (told: Told | undefined) => Promise<Snapshot>;

export function createReadChanges(
  store: Pick<CountStore, 'keptChanges' | 'changesSince'>,
  inSnapshot: InSnapshot,
): ReadChanges {
  async function read(told: Told | undefined): Promise<Snapshot> {
    const { value } = await inSnapshot(async (client, freshness) => {
      const since = told && { after: told.id.xid, except: told.above, limit: MAX_PRODUCTS + 1 };
      const [kept, changed, { live, asOf }] = await Promise.all([
        store.keptChanges(client),
        since ? store.changesSince(client, since) : [],
        freshness,
      ]);
      return { kept: { ...kept, generation: live[0]!.number }, changed, asOf: asOf.toISOString() };
    });
    return value;
  }

  return async (told) => {
    try {
      return await read(told);
    } catch (error) {
      if (!told || !isCancelled(error)) throw error;
      return { ...(await read(undefined)), changed: undefined };
    }
  };
}

/** The products to tell somebody who stands at `id`, or why that cannot be done. */
export function toTell(
  id: ChangeId | undefined,
  { kept, changed }: Snapshot,
): readonly ChangedProduct[] | ResetReason {
  const lost = lostSince(id, kept);
  if (lost) return lost;
  if (!changed) return 'too-many';
  const missed = changed.filter(({ xid }) => xid > id!.xid);
  return missed.length > MAX_PRODUCTS ? 'too-many' : missed;
}

export const idOf = ({ kept }: Snapshot): string => formatChangeId(lastOf(kept));

/** The data of a product's event. */
export const dataOf = ({ counts }: ChangedProduct, { asOf }: Snapshot): string =>
  JSON.stringify({ ...counts, asOf });
