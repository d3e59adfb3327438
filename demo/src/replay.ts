import { randomUUID } from 'node:crypto';
import { readBaskets } from './baskets.ts';
import { count, type Tally } from './expected.ts';
import { createFillCart } from './fill-cart.ts';
import type { HttpClient } from './http-client.ts';
import { forEachInTurn } from './in-turn.ts';
import { linesLeft, planCart, planClose } from './plan.ts';
import { createPositions } from './positions.ts';
import type { Progress } from './progress.ts';
import type { Authorize } from './tokens.ts';

/** Which baskets to replay, and how. */
export type ReplaySettings = {
  /** A file of baskets. */
  readonly baskets: string;
  readonly seed: number;
  /** Carts to fill at the same time. */
  readonly concurrency: number;
  /** The most baskets to read from the file. */
  readonly limit: number;
};

/** The result of a replay. */
export type Replayed = {
  readonly sent: Tally;
  readonly carts: number;
  /** How many of them were left, and not bought. */
  readonly abandoned: number;
  readonly requests: number;
  /** Requests that were sent again. */
  readonly repeated: number;
  readonly tookMs: number;
  /** The `Consistent-With` for a read that must include all of it. */
  readonly consistentWith: string | undefined;
};

/** Baskets read ahead for each cart in progress, so that consecutive baskets of one shopper delay no other shopper. */
const LOOK_AHEAD = 4;

/**
 * Replays the baskets as carts, several at once, but those of one shopper one after another, as in real life. This also stays
 * below the limit of writes for a subject.
 */
export async function replay(
  { baskets, seed, concurrency, limit }: ReplaySettings,
  { client, authorize, progress }: { client: HttpClient; authorize: Authorize; progress: Progress },
): Promise<Replayed> {
  const sent: Tally = new Map();
  const positions = createPositions();
  const startedAt = Date.now();
  let carts = 0;
  let abandoned = 0;
  let requests = 0;
  let repeated = 0;

  const fillCart = createFillCart({
    client,
    authorize,
    positions,
    runId: randomUUID(),
    onOperation: (operation) => count(sent, operation),
    onClose: (reason, operations) => {
      if (reason === 'abandoned') abandoned++;
      for (const closing of linesLeft(operations, reason)) count(sent, closing);
    },
    onRequest: () => {
      requests++;
      progress.requestDone();
    },
    onRetry: () => {
      repeated++;
    },
  });
  await forEachInTurn(
    readBaskets(baskets, limit),
    { keyOf: ({ shopper }) => shopper, concurrency, lookAhead: LOOK_AHEAD * concurrency },
    async (basket, signal) => {
      const operations = planCart(basket, seed);
      await fillCart({ number: ++carts, basket, operations, reason: planClose(basket, seed) }, signal);
      progress.step();
    },
  );
  const tookMs = Date.now() - startedAt;
  return { sent, carts, abandoned, requests, repeated, tookMs, consistentWith: positions.consistentWith() };
}
