/**
 * A subscription: a service follows another's event log and builds something of its own from it, exactly.
 *
 * Events come by a transport, a message broker for example, or from the owner's feed, pages of its log over HTTP. The
 * transport promises nothing. It may lose, repeat and reorder, because every event carries its position: its log, a
 * partition, and a sequence there that is dense, from 1, in the order of the commits. Three questions settle every
 * delivery. At or below the position? A duplicate: it is skipped. The next one? It is applied. Beyond the next one?
 * Something is missing, and is fetched from the feed before anything later is applied. Without a transport everything is
 * missing, and the same code follows the feed alone.
 *
 * Exactness rests on the fence (apply/fence.ts): the effects of a batch and the new positions are one transaction, and
 * positions move only from the values for which the batch was computed. Whatever crashes, neither happens without the
 * other. A late writer, a zombie or a commit of unknown outcome, is refused. Everything in memory is a copy of the
 * database, discarded and read again when in doubt.
 *
 * Loops that share one state (apply/subscription-state.ts) and one notifier do the work (follower.ts):
 *
 *     transport ──► sources/delivery-handler.ts ─┐
 *     feed ───────► sources/fetch-missing.ts ────┼─► a reorder buffer for each partition ─► apply/apply-loop.ts
 *     heads ──────► sources/heads-client.ts ─────┘                                      └─► apply/write-checkpoint.ts
 *
 * One instance leads (postgres/leader-election.ts). Over the feed alone it does all of this, and the others stand by. A
 * transport assigns the partitions to all instances (sources/partition-assignment.ts): each receives, applies, and fills
 * the holes of its own. The leader asks for the heads on behalf of all, and writes the checkpoints' metadata: heads and
 * As-Of.
 *
 * The heads are needed because a loss at a partition's end leaves no hole, and silence says nothing of freshness. The
 * leader fetches a partition that stays below its head while no instance gets its events, whichever it is assigned to. While
 * the leader itself has no connection to the transport, it does so for every partition, without delay. Instances need not
 * agree on who applies what: two that apply the same meet at the fence, and the second one reads where the position is now
 * (apply/refresh-positions.ts).
 *
 * The heads also show when the owner's database was replaced by another, or by its older self. Once the owner has said so
 * twice (sources/replaced-source.ts), the subscription stops until somebody rebuilds: to take a new history's events for
 * duplicates, or for new ones, would be wrong for ever.
 *
 * What goes wrong with one event (apply/event-fault.ts, dead-letters/parked-events.ts): when the database is unavailable
 * or busy, or a deployment's mistake is in the way, the batch waits, says why (apply/waiting.ts), and is tried again. When
 * it fails by an event's own fault, it is halved until that event stands alone. The event is parked in the transaction
 * that moves the position past it, and later events of its key are parked behind it, so that order per key holds while all
 * others flow. An operator retries or discards it. When too many are parked, the subscription stops.
 *
 * Nothing lies about it: answers say as of when they are and to which position (freshness/freshness.ts), and a client may
 * ask for an answer that includes its own write (freshness/await-position.ts, freshness/consistency.ts).
 */
import { runAsLeader } from '@micromart/postgres/leader-election';
import { openPool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { retryForever } from '@micromart/process/retry';
import type { IsDiscarded } from './apply/batch-item.ts';
import { FENCED_SETTINGS } from './apply/fence.ts';
import { createWaiting, type WaitingReason } from './apply/waiting.ts';
import { type Control, createControl } from './control.ts';
import { createParking, type Parking } from './dead-letters/parked-events.ts';
import { createFollower, type Follower } from './follower.ts';
import { type Applied, createApplied } from './freshness/applied.ts';
import { defaultLimits, type Limits } from './limits.ts';
import type { SubscriptionMetrics } from './metrics.ts';
import { createNotifier } from './notifier.ts';
import type { Pace } from './pace.ts';
import type { Projection } from './projection.ts';
import type { EventSource, Transport } from './sources/event-source.ts';

/** For the batch in flight, the checkpoint's metadata and an operator's request; the lock has a connection of its own. */
const MAX_CONNECTIONS = 3;

export type SubscriptionSettings<E> = {
  /** Identifies the positions in the database, and the lock: a new name starts from the beginning. */
  readonly name: string;
  /** URL of the service's own PostgreSQL database, with the tables of `subscriptionMigrations` and of the projection. */
  readonly url: string;
  readonly source: EventSource;
  /** Without one, events come from the source alone. */
  readonly transport?: Transport;
  readonly projection: Projection<E>;
  /** Settings of the sessions that write the effects, besides the fence's. */
  readonly sessionSettings?: Readonly<Record<string, string>>;
  /** Events that are skipped because an operator discarded them in another generation. */
  readonly isDiscarded?: IsDiscarded;
  /** How much time it leaves to others; none when it is left out. */
  readonly pace?: Pace;
  /** Notified of every commit; one may serve all subscriptions of a service. */
  readonly applied?: Applied;
  readonly metrics: SubscriptionMetrics;
  readonly logger: Logger;
  readonly limits?: Partial<Limits>;
};

export type Subscription = {
  readonly name: string;
  readonly control: Control;
  readonly parking: Parking;
  readonly applied: Applied;
  readonly parkedLimit: number;
  /** Why this instance makes no progress although nobody stopped it. */
  waiting(): WaitingReason | undefined;
  /** Whether this instance leads. */
  isLeader(): boolean;
  /** The partitions that the transport has assigned to this instance; undefined while there is no assignment. */
  assigned(): ReadonlySet<number> | undefined;
  /** Finishes the batch in flight, and gives up leadership. */
  close(): Promise<void>;
};

export function startSubscription<E>(settings: SubscriptionSettings<E>): Subscription {
  const { name, url, source, transport, projection, metrics, logger } = settings;
  const { applied = createApplied() } = settings;
  const limits = { ...defaultLimits, ...settings.limits };
  const pool = openPool(url, {
    max: MAX_CONNECTIONS,
    name: `subscription ${name}`,
    settings: { ...FENCED_SETTINGS, ...settings.sessionSettings },
    onIdleError: (err) => logger.warn({ err, subscription: name }, 'store'),
  });
  const notifier = createNotifier();
  const waiting = createWaiting();
  const control = createControl({ pool, name, notifier, waiting, logger });
  const meter = metrics.of(name);
  const deps = {
    name,
    pool,
    source,
    transport,
    projection,
    isDiscarded: settings.isDiscarded,
    pace: settings.pace,
    control,
    notifier,
    applied,
    waiting,
    meter,
    logger,
    limits,
  };

  // With a transport every instance works as long as it is open; without one, only the leader, with a new state in each term.
  const member = transport && createFollower(deps);
  const closing = new AbortController();
  const working = member && retryForever(() => workAsMember(member), { signal: closing.signal, onFailure });

  async function workAsMember(follower: Follower): Promise<void> {
    await begin(follower);
    await follower.work(closing.signal);
  }

  async function begin(follower: Follower): Promise<void> {
    try {
      await follower.begin();
      waiting.succeeded('begin');
    } catch (error) {
      waiting.failed('begin', error);
      throw error;
    }
  }

  async function runTerm(signal: AbortSignal): Promise<void> {
    const follower = member ?? createFollower(deps);
    await begin(follower);
    await Promise.all([follower.watch(signal), member ? undefined : follower.work(signal)]);
  }

  function onFailure(err: unknown): void {
    logger.warn({ err, subscription: name }, 'cannot start to follow; retrying');
  }

  let closed: Promise<void> | undefined;
  async function end(): Promise<void> {
    closing.abort();
    await Promise.all([working, leadership.close()]);
    await pool.end();
  }

  const leadership = runAsLeader({
    url,
    name: `subscription ${name}`,
    onLead: runTerm,
    heartbeat: (client) => control.refresh(client),
    logger,
  });
  return {
    name,
    control,
    parking: createParking({ pool, subscription: name, projection, applied, logger }),
    applied,
    parkedLimit: limits.parkedEvents,
    waiting: waiting.current,
    isLeader: leadership.isLeader,
    assigned: () => member?.assigned(),
    close() {
      closed ??= end();
      return closed;
    },
  };
}
