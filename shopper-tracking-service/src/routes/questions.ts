/** How the routes read: each answer from one snapshot with its freshness, wide questions within limits of their own. */
import { problem } from '@micromart/http/problem';
import { isCancelled } from '@micromart/postgres/failure';
import type { Client, Pool } from '@micromart/postgres/pool';
import type {
  Consistency,
  ConsistentRequest,
  FreshAnswer,
} from '@micromart/subscription/freshness/consistency';
import type { Freshness } from '@micromart/subscription/freshness/freshness';
import { boughtSince } from '../bought-since.ts';
import type { CountStore } from '../store/store.ts';
import type { Present } from '../window.ts';

const RETRY_COSTLY_S = 5;

export const COST =
  'A question about many products or days that takes too long is answered with 503 `question-too-costly`, one that ' +
  'would read more than 10,000 buckets of time with 400.';

/** With the time from which on closes are completely counted (bought-since.ts). */
export type Answer<T> = FreshAnswer<T> & { readonly boughtSince: string | null };

export type Questions = {
  /** Reads few rows. */
  readFew<T>(request: ConsistentRequest, read: (client: Client) => Promise<T>): Promise<Answer<T>>;
  /** Reads many rows, within limits of its own, so that it does not delay requests that read few. */
  readMany<T>(
    request: ConsistentRequest,
    read: (client: Client, present: Present) => Promise<T>,
  ): Promise<Answer<T>>;
  /** Reads in a snapshot that stays open, so that what was opened can be read on, until `close` is called. */
  open<T>(
    request: ConsistentRequest,
    read: (client: Client, present: Present) => Promise<T>,
  ): Promise<FreshAnswer<T> & { close(): void }>;
};

export function createQuestions({
  store,
  consistency,
  now,
}: {
  store: CountStore;
  consistency: Consistency;
  now: () => Date;
}): Questions {
  /**
   * Reads the clock after the snapshot began, so everything that the snapshot misses because it was swept was due by
   * then.
   */
  async function presentOf(client: Client, freshness: Promise<Freshness>): Promise<Present> {
    const [{ asOf }, quartersFrom] = await Promise.all([freshness, store.quartersFrom(client)]);
    return { asOfMs: asOf.getTime(), nowMs: now().getTime(), quartersFrom };
  }

  type Read<T> = (client: Client, present: Present) => Promise<T>;
  const atPresent =
    <T>(read: Read<T>) =>
    async (client: Client, freshness: Promise<Freshness>) =>
      read(client, await presentOf(client, freshness));

  /** Its statement is sent with those of `read`, so it costs no round trip. */
  async function answer<T>(
    request: ConsistentRequest,
    read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
    pool?: Pool,
  ): Promise<Answer<T>> {
    const { value, headers } = await consistency.read(
      request,
      async (client, freshness) => {
        const [completeFrom, asked, { live }] = await Promise.all([
          store.linesFrom(client),
          read(client, freshness),
          freshness,
        ]);
        const shape = Math.min(...live.map((generation) => generation.shape));
        return { asked, boughtSince: boughtSince(shape, completeFrom) };
      },
      pool,
    );
    return { value: value.asked, boughtSince: value.boughtSince, headers };
  }

  return {
    readFew: (request, read) => answer(request, read),
    async readMany(request, read) {
      try {
        return await answer(request, atPresent(read), store.listPool);
      } catch (error) {
        throw isCancelled(error) ? tooCostly() : error;
      }
    },
    async open<T>(request: ConsistentRequest, read: Read<T>) {
      const opened = Promise.withResolvers<FreshAnswer<T>>();
      const closed = Promise.withResolvers<void>();
      const use = (answer: FreshAnswer<T>) => {
        opened.resolve(answer);
        return closed.promise;
      };
      consistency
        .readOn(request, atPresent(read), store.exportPool, use)
        .catch((error: unknown) => opened.reject(isCancelled(error) ? tooCostly() : error));
      return { ...(await opened.promise), close: closed.resolve };
    },
  };
}

const tooCostly = () =>
  problem(
    'unavailable',
    'The question took too long: ask for a smaller window, or again when there is less load.',
    {
      type: 'question-too-costly',
      retryAfterS: RETRY_COSTLY_S,
    },
  );
