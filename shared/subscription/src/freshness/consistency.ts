/** Freshness over HTTP: the request headers `Consistent-With` and `Prefer: wait`, and the headers of a fresh answer. */

import { formatPosition, POSITION } from '@micromart/events/position';
import { headerText } from '@micromart/http/parameters';
import type { Client, Pool } from '@micromart/postgres/pool';
import { z } from 'zod';
import type { LiveGenerations } from '../generations/live-generations.ts';
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
  Prefer: headerText().optional().meta({
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
   * Waits until the read model includes what the request asks for, then reads data and freshness in one snapshot. Throws
   * the Problems of AwaitPosition. The wait may be long, so `read` decides everything that depends on the time of the
   * answer. `pool` replaces the usual pool.
   */
  read<T>(
    request: ConsistentRequest,
    read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
    pool?: Pool,
  ): Promise<FreshAnswer<T>>;
  /**
   * Reads in the same way, and keeps the snapshot open until `use` has settled: for an answer that is read on while it is sent.
   * Rejects for what `read` or `use` rejects for.
   */
  readOn<T>(
    request: ConsistentRequest,
    read: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
    pool: Pool,
    use: (answer: FreshAnswer<T>) => Promise<void>,
  ): Promise<void>;
};

export function createConsistency(deps: {
  pool: Pool;
  /** The names of the read models, or of the subscriptions, that feed what is being read. */
  subscriptions: () => readonly string[];
  applied: Applied;
  /** Where these are read models with generations. */
  live?: LiveGenerations;
}): Consistency {
  const awaitPosition = createAwaitPosition(deps);
  const { live } = deps;
  async function read<T>(
    { headers, signal }: ConsistentRequest,
    readRows: (client: Client, freshness: Promise<Freshness>) => Promise<T>,
    pool: Pool,
    use?: (answer: FreshAnswer<T>) => Promise<void>,
  ): Promise<FreshAnswer<T>> {
    const position = headers['Consistent-With'];
    const deadlineMs = performance.now() + preferredWaitMs(headers.Prefer);
    const before = async () => {
      if (position === undefined) return;
      await awaitPosition(position, Math.max(0, deadlineMs - performance.now()), signal);
    };
    return answerOf(
      await readFresh(pool, deps.subscriptions(), readRows, {
        ...(live && { live }),
        ...(use && { hold: (fresh) => use(answerOf(fresh)) }),
        before,
      }),
    );
  }

  return {
    read: (request, readRows, pool = deps.pool) => read(request, readRows, pool),
    async readOn(request, readRows, pool, use) {
      await read(request, readRows, pool, use);
    },
  };
}

const answerOf = <T>({ value, asOf, positions }: Freshness & { readonly value: T }): FreshAnswer<T> => ({
  value,
  headers: { 'As-Of': asOf.toISOString(), Position: formatPosition(positions) },
});

const WAIT = /^wait\s*=\s*"?([0-9]{1,6})"?$/i;

/**
 * How long a request prefers to wait, in milliseconds, at most `MAX_WAIT_MS`; 0 when it does not say. The first `wait`
 * counts, and what is not understood is ignored (RFC 7240, sections 2 and 4.3).
 */
export function preferredWaitMs(prefer = ''): number {
  for (const preference of prefer.split(',')) {
    const match = WAIT.exec(preference.split(';')[0]!.trim());
    if (match) return Math.min(Number(match[1]) * 1_000, MAX_WAIT_MS);
  }
  return 0;
}
