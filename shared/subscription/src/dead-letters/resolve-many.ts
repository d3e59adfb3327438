/**
 * Resolves many chains of parked events in one request, in short transactions: each locks a few partitions' positions, which
 * the follower waits for, handles a limited number of events, and records what is done so far. A request ends after a few
 * seconds and says whether it left chains that it has not come to; whoever asked then repeats it.
 */
import { isUnavailable } from '@micromart/postgres/failure';
import { type Client, inTransaction, type Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { retry } from '@micromart/process/retry';
import type { RecordAct } from '../acts/acts.ts';
import { lockPositions } from '../lock-positions.ts';
import type { Notifier } from '../notifier.ts';
import type { Projection } from '../projection.ts';
import { type InChain, readChain } from './chain.ts';
import type { ParkedEvent } from './parked-event.ts';
import { release, settle } from './release.ts';

const MAX_REQUEST_MS = 5_000;
const EVENTS_IN_A_TRANSACTION = 100;
const CHAINS_IN_A_REQUEST = 5_000;
/** Other instances count at the same time in another order of rows, so a deadlock is possible. */
const ATTEMPTS = 3;

/** The chains whose key is this one, and whose first event is parked for a reason that begins so. All of them where neither is given. */
export type Which = { readonly key?: string | undefined; readonly reason?: string | undefined };

export type ResolvedMany = {
  readonly applied: number;
  readonly discarded: number;
  /** How many events are still parked in chains that are named. */
  readonly parked: number;
  /** Whether it left chains that it has not come to. */
  readonly more: boolean;
};

type Verdict = 'retried' | 'discarded';

type Done = { applied: number; discarded: number };

/** What it takes to resolve parked events of a subscription. */
export type ParkingDeps<E> = {
  readonly pool: Pool;
  readonly subscription: string;
  readonly projection: Projection<E>;
  readonly applied: Notifier;
  readonly logger: Logger;
};

export function createResolveMany<E>({
  pool,
  subscription,
  projection,
  applied,
  logger,
}: ParkingDeps<E>): (
  verdict: Verdict,
  which: Which,
  by: string,
  record?: RecordAct,
) => Promise<ResolvedMany> {
  /** Handles chains until the transaction has enough; gives what was done, and the chains that are left. */
  async function resolveSome(
    client: Client,
    verdict: Verdict,
    heads: readonly InChain[],
    { reason = '' }: Which,
    by: string,
  ): Promise<Done & { left: readonly InChain[] }> {
    const done = { applied: 0, discarded: 0 };
    let room = EVENTS_IN_A_TRANSACTION;
    const partitions = heads.slice(0, room).map(({ partition }) => partition);
    await lockPositions(client, [subscription], partitions);
    for (const [n, head] of heads.entries()) {
      if (n >= EVENTS_IN_A_TRANSACTION || room === 0) return { ...done, left: heads.slice(n) };
      const chain = await readChain(client, subscription, head, room);
      room -= chain.length;
      const resolved = await resolveChain(client, verdict, chain, reason, by);
      done.applied += resolved.applied;
      done.discarded += resolved.discarded;
      if (room === 0 && resolved.isResolved) {
        // Later events of its key may be parked still: the next one stands for the chain, by the same reason.
        await handReasonOn(client, chain[0]!);
        return { ...done, left: heads.slice(n) };
      }
    }
    return { ...done, left: [] };
  }

  async function resolveChain(
    client: Client,
    verdict: Verdict,
    chain: readonly ParkedEvent[],
    reason: string,
    by: string,
  ): Promise<Done & { isResolved: boolean }> {
    const done = { applied: 0, discarded: 0 };
    let rest = chain;
    for (let isStuck = false; rest.length > 0 && !isStuck; ) {
      const [first, ...behind] = rest as [ParkedEvent, ...ParkedEvent[]];
      if (!first.reason.startsWith(reason)) break;
      if (verdict === 'discarded' && first.attempts > 0) {
        await settle(client, first, 'discarded', by);
        done.discarded += 1;
        rest = behind;
      }
      const released = await release(client, projection, rest, by);
      done.applied += released.applied;
      const [failed, ...later] = rest.slice(released.applied);
      rest = failed ? [{ ...failed, reason: released.reason!, attempts: failed.attempts + 1 }, ...later] : [];
      isStuck = verdict === 'retried';
    }
    return { ...done, isResolved: rest.length === 0 };
  }

  return async function resolveMany(verdict, which, by, record) {
    const deadlineMs = performance.now() + MAX_REQUEST_MS;
    const total = { applied: 0, discarded: 0 };
    let heads: readonly InChain[] = await readHeads(pool, subscription, which);
    const wereCut = heads.length === CHAINS_IN_A_REQUEST;
    try {
      while (heads.length > 0 && performance.now() < deadlineMs) {
        const { left, ...done } = await retry(
          () =>
            inTransaction(pool, async (client) => {
              const some = await resolveSome(client, verdict, heads, which, by);
              await record?.(client, sum(total, some));
              return some;
            }),
          { attempts: ATTEMPTS, isTransient: isUnavailable },
        );
        Object.assign(total, sum(total, done));
        heads = left;
      }
    } finally {
      logger.info({ subscription, which, by, verdict, ...total }, 'parked events resolved');
      applied.notify();
    }
    const parked = await countParked(pool, subscription, which);
    const result = { ...total, parked, more: heads.length > 0 || wereCut };
    await record?.(pool, result);
    return result;
  };
}

const sum = (a: Done, b: Done): Done => ({
  applied: a.applied + b.applied,
  discarded: a.discarded + b.discarded,
});

/** One row for each chain: its first event. An event without a key is a chain of its own. */
const HEADS = `SELECT DISTINCT ON (partition, key, CASE WHEN key = '' THEN id END) id, partition, key, reason, attempts
  FROM parked_events WHERE subscription = $1 AND state = 'parked' AND ($2::text IS NULL OR key = $2)
  ORDER BY partition, key, CASE WHEN key = '' THEN id END, sequence`;

/** Those that were tried least come first, so that a repeated request comes to all of them. */
async function readHeads(pool: Pool, subscription: string, { key, reason }: Which): Promise<InChain[]> {
  const { rows } = await pool.query<InChain>(
    `SELECT id::text, partition, key FROM (${HEADS}) h WHERE starts_with(reason, $3)
     ORDER BY attempts, h.id LIMIT $4`,
    [subscription, key ?? null, reason ?? '', CHAINS_IN_A_REQUEST],
  );
  return rows;
}

async function countParked(pool: Pool, subscription: string, { key, reason }: Which): Promise<number> {
  const { rows } = await pool.query<{ parked: number }>(
    `SELECT count(*) AS parked FROM (${HEADS}) h JOIN parked_events e
       ON e.subscription = $1 AND e.state = 'parked' AND e.partition = h.partition AND e.key = h.key
       AND (e.key <> '' OR e.id = h.id)
     WHERE starts_with(h.reason, $3)`,
    [subscription, key ?? null, reason ?? ''],
  );
  return rows[0]!.parked;
}

async function handReasonOn(
  client: Client,
  { subscription, partition, key, reason }: ParkedEvent,
): Promise<void> {
  await client.query(
    `UPDATE parked_events SET reason = $4 WHERE id = (
       SELECT id FROM parked_events
       WHERE subscription = $1 AND partition = $2 AND key = $3 AND key <> '' AND state = 'parked'
       ORDER BY sequence LIMIT 1)`,
    [subscription, partition, key, reason],
  );
}
