/**
 * The relay publishes an owner's log to Kafka, each partition to the topic's partition of the same number. The topic is a copy
 * of the log, so the relay only decides how soon followers get the events:
 *
 * - It never delays the owner's writes: it reads the log as any follower does, and changes continue whatever happens to it.
 *   While Kafka is unavailable it retries, and then catches up.
 * - It skips nothing: it publishes the events above its positions, in order. It moves a position only after the broker has
 *   acknowledged everything up to it, and only from the value that it started from.
 * - One instance publishes at a time, the others stand by (postgres/leader-election.ts). A frozen relay that wakes up may
 *   publish what another has published already, and then finds its positions moved. So events may come twice, and older ones
 *   again after a takeover; a follower recognises them by their sequences.
 * - An idle relay reads the heads from time to time, because other processes of the owner commit too, and checks the topic for
 *   readiness. A commit of its own process wakes it at once.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { EventLog } from '@micromart/event-log/event-log';
import type { Check } from '@micromart/http/health';
import { runAsLeader } from '@micromart/postgres/leader-election';
import type { Pool } from '@micromart/postgres/pool';
import type { Logger } from '@micromart/process/logger';
import { retryForever } from '@micromart/process/retry';
import { createNotifier } from '@micromart/subscription/notifier';
import type { RelayMetrics } from './metrics.ts';
import { publish } from './publish.ts';
import { createRelayPositions } from './relay-positions.ts';
import { createRetryPolicy } from './retry-policy.ts';
import { parseKafkaUrl } from './url.ts';
import { whenAborted } from './when-aborted.ts';

export type RelaySettings = {
  readonly log: EventLog;
  /** A database of the owner with the tables of `relayMigrations`, and its URL for the leader's lock. */
  readonly pool: Pool;
  readonly lockUrl: string;
  /** `kafka://…` or `kafka+ssl://…` (url.ts). */
  readonly url: string;
  readonly caFile?: string | undefined;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
};

export type Relay = {
  /** For readiness, optional: an owner works without Kafka. */
  readonly check: Check;
  /** Waits for batches in flight, but no longer than CLOSE_TIMEOUT_MS, and gives up leadership. */
  close(): Promise<void>;
};

const CLOSE_TIMEOUT_MS = 2_000;

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
      const publishing = retryForever((onSuccess) => publish({ ...deps, onSuccess }, signal), {
        ...createRetryPolicy({ topic, doing: 'publishing', onState, logger }),
        signal,
      });
      // A send that hangs at a broker is not awaited: its events will be published again.
      const over = whenAborted(signal).then(() => sleep(CLOSE_TIMEOUT_MS, undefined, { ref: false }));
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
