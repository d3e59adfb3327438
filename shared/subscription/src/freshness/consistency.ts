/** Freshness in HTTP: reads `Consistent-With` and `Prefer: wait` of a request, and says how fresh the answer is. */

import { formatPosition, POSITION } from '@micromart/events/position';
import type { Client, Pool } from '@micromart/postgres/pool';
import { z } from 'zod';
import type { Applied } from './applied.ts';
import { createAwaitPosition, MAX_WAIT_MS } from './await-position.ts';
import { type Freshness, readFresh } from './freshness.ts';

const MAX_POSITION_LENGTH = 8_000;
const NOT_A_POSITION =
  'must be a Position, as an answer gave it: log/partition@sequence, several with commas between them';

/** Request headers of every route that answers from a read model. */
export const consistencyHeaders = z.object({
  'Consistent-With': z.string().max(MAX_POSITION_LENGTH).regex(POSITION, NOT_A_POSITION).optional().meta({
    description: 'A Position, of a write for example: the answer includes it, or says that it does not yet.',
    example: 'cart-3f2a9c1e/7@1234',
  }),
  Prefer: z.string().optional().meta({
    description: 'How long to wait for it, in seconds, at most 30 (RFC 7240).',
    example: 'wait=5',
  }),
});

/** Headers of its answers. */
export const freshnessHeaders = z.object({
  'As-Of': z.iso.datetime().meta({ description: 'All that was committed before this time is included.' }),
  Position: z.string().meta({ description: 'How far into which logs the answer reaches.' }),
});

export type ConsistentRequest = {
  readonly headers: z.output<typeof consistencyHeaders>;
  readonly signal: AbortSignal;
};

export type FreshAnswer<T> = { readonly value: T; readonly headers: Record<string, string> };

export type Consistency = {
  /**
   * Reads in one snapshot with its freshness, once it includes what the request asks for; else throws a Problem. What
   * goes by the time of the answer is decided in `read`: the wait before it may have been long. It reads on a connection
   * of `pool`, where that is not to be the usual one.
   */
  read<T>(
    request: ConsistentRequest,
    read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
    pool?: Pool,
  ): Promise<FreshAnswer<T>>;
};

export function createConsistency(deps: {
  pool: Pool;
  /** The names of the subscriptions that feed what is being read. */
  subscriptions: () => readonly string[];
  applied: Applied;
}): Consistency {
  const awaitPosition = createAwaitPosition(deps);
  return {
    async read({ headers, signal }, read, pool = deps.pool) {
      const position = headers['Consistent-With'];
      if (position !== undefined) await awaitPosition(position, preferredWaitMs(headers.Prefer), signal);
      const { value, asOf, places } = await readFresh(pool, deps.subscriptions(), read);
      return { value, headers: { 'As-Of': asOf.toISOString(), Position: formatPosition(places) } };
    },
  };
}

const WAIT = /^wait\s*=\s*"?([0-9]{1,6})"?$/i;

/**
 * How long a request prefers to wait, in milliseconds, at most 30,000; 0 when it does not say. The first `wait` counts,
 * and what is not understood is left aside (RFC 7240, sections 2 and 4.3).
 */
export function preferredWaitMs(prefer = ''): number {
  for (const preference of prefer.split(',')) {
    const match = WAIT.exec(preference.split(';')[0]!.trim());
    if (match) return Math.min(Number(match[1]) * 1_000, MAX_WAIT_MS);
  }
  return 0;
}
