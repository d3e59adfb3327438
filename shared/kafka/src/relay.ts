/**
 * The relay: it publishes an owner's log to Kafka, each partition to the topic's partition of the same number. The log is
 * the truth and the topic a copy of it, so nothing depends on the relay but how soon followers hear of things:
 *
 * - It runs beside the owner's work and never in its way: it reads the log, as any follower does, and changes go on
 *   whatever becomes of it. While Kafka is away it tries again and again, and then catches up.
 * - Nothing is left out: it publishes what lies above its positions, in order, and moves a position only once the broker
 *   has acknowledged all before it, and only from the value it started from.
 * - One instance publishes at a time, others stand by (postgres/lock.ts). One that was frozen and wakes up publishes what
 *   another has published already, and finds its positions moved. So sequences may come twice, and older ones again after
 *   a takeover; a follower tells by their numbers.
 * - An idle log costs a look at its heads now and then, for what other processes of the owner commit, and at the topic,
 *   for readiness. What this process commits wakes it at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@micromart/event-log/event-log';
import type { Check } from '@micromart/http/health';
import { runAsLeader } from '@micromart/postgres/leader-election';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { createNotifier } from '@micromart/subscription/notifier';
import type { RelayMetrics } from './metrics.ts';
import { publish } from './publish.ts';
import { createRelayPositions } from './relay-positions.ts';
import { keepTrying } from './retry-forever.ts';
import { parseKafkaUrl } from './url.ts';
import { whenAborted } from './when-aborted.ts';

export type RelaySettings = {
  readonly log: EventLog;
  /** A database of the owner's with relayMigrations, and its URL, for the lock. */
  readonly pool: Pool;
  readonly lockUrl: string;
  /** `kafka://…` or `kafka+ssl://…` (url.ts). */
  readonly url: string;
  readonly caFile?: string | undefined;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
};

export type Relay = {
  /** For readiness: without Kafka an owner does its work all the same. */
  readonly check: Check;
  /** Finishes what is on its way to Kafka, if that does not take long. */
  close(): Promise<void>;
};

const GOODBYE_MS = 2_000;

export function startRelay({ log, pool, lockUrl, url, caFile, metrics, logger }: RelaySettings): Relay {
  const topic = parseKafkaUrl(url, caFile);
  const positions = createRelayPositions(pool, { topic: topic.topic, log });
  const appended = createNotifier();
  const unsubscribe = log.onAppended(appended.notify);
  let failure: string | undefined;
  const onState = (now: string | undefined) => {
    failure = now;
    if (now !== undefined) metrics.failed();
  };

  const leadership = runAsLeader({
    url: lockUrl,
    name: `relay of ${log.name} to ${topic.topic}`,
    logger,
    async onLead(signal) {
      const deps = { log, topic, positions, appended, metrics, logger };
      const publishing = keepTrying(
        (onWell) => publish({ ...deps, onWell }, signal),
        { topic, doing: 'publishing', onState, logger },
        signal,
      );
      // What hangs at a broker is left to end by itself: what comes of it will be published again.
      const over = whenAborted(signal).then(() => sleep(GOODBYE_MS, undefined, { ref: false }));
      await Promise.race([publishing, over]);
      failure = undefined;
      metrics.lag(undefined);
    },
  });
  return {
    check: {
      name: 'kafka',
      optional: true,
      check: async () => ({ ok: failure === undefined, detail: failure }),
    },
    async close() {
      unsubscribe();
      await leadership.close();
    },
  };
}
