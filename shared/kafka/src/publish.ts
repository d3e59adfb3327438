import type { EventLog } from '@micromart/event-log/event-log';
import type { LoggedEvent } from '@micromart/events/envelope';
import type { Sequences } from '@micromart/events/position';
import type { Logger } from '@micromart/process/logger';
import type { Notifier } from '@micromart/subscription/notifier';
import { inBatches, messageOf } from './message.ts';
import type { RelayMetrics } from './metrics.ts';
import { createProducer, type Producer } from './producer.ts';
import type { Move, RelayPositions } from './relay-positions.ts';
import { ensureTopic } from './topic.ts';
import type { KafkaTopic } from './url.ts';

export type Publishing = {
  readonly log: EventLog;
  readonly topic: KafkaTopic;
  readonly positions: RelayPositions;
  /** Notifies when this process has appended to the log. */
  readonly appended: Notifier;
  readonly metrics: RelayMetrics;
  readonly logger: Logger;
  /** Called after each round, also when everything is published already. */
  onSuccess(): void;
};

/** Each has one batch in flight, so several partitions are written at the same time. */
const PRODUCERS = 4;
/** How many events are read and published, and their positions stored, in one round. */
const ROUND_EVENTS = 4_000;
/** By default a topic accepts batches of a megabyte. */
const BATCH_LIMITS = { maxMessages: 1_000, maxBytes: 900_000 };
const POLL_INTERVAL_MS = 1_000;
const PROBE_INTERVAL_MS = 15_000;

/** Publishes the log's events, and new ones as they come, until the signal is aborted. Throws at the first failure. */
export async function publish(publishing: Publishing, signal: AbortSignal): Promise<void> {
  const { log, topic, positions, appended, metrics, logger, onSuccess } = publishing;
  const probe = () => ensureTopic(topic, { partitions: log.partitions, logger, signal });
  await probe();
  const probeNowAndThen = createProbe(probe);
  const published = await positions.read();
  const producers = Array.from({ length: PRODUCERS }, () => createProducer(topic, logger));
  try {
    while (!signal.aborted) {
      const { notifications } = appended;
      const lag = lagOf((await log.heads()).last, published);
      metrics.lag(lag);
      if (lag > 0) {
        await publishRound(publishing, { producers, published });
      } else {
        probeNowAndThen();
        if (appended.notifications === notifications) await appended.next(signal, POLL_INTERVAL_MS);
      }
      onSuccess();
    }
  } finally {
    await Promise.all(producers.map((producer) => producer.close()));
  }
}

/** Returns a function that probes in the background when the last probe was long ago, and throws the error of that one. */
function createProbe(probe: () => Promise<void>): () => void {
  let probedMs = performance.now();
  let isProbing = false;
  let failure: unknown;
  return () => {
    if (failure) throw failure;
    if (isProbing || performance.now() - probedMs < PROBE_INTERVAL_MS) return;
    isProbing = true;
    probe()
      .catch((error) => {
        failure = error;
      })
      .finally(() => {
        isProbing = false;
        probedMs = performance.now();
      });
  };
}

/** Publishes the next events of all partitions, and moves `published` with the positions. */
async function publishRound(
  { log, positions, metrics }: Publishing,
  { producers, published }: { producers: readonly Producer[]; published: Map<number, number> },
): Promise<void> {
  const unpublished = Map.groupBy(
    await log.eventsAfter(published, ROUND_EVENTS),
    ({ partition }) => partition,
  );
  const moves: Move[] = [];
  const workers = producers.map(async (producer, worker) => {
    for (const [partition, events] of unpublished) {
      if (partition % producers.length !== worker) continue;
      await publishEvents(producer, { log: log.name, partition, events });
      moves.push({ partition, from: published.get(partition)!, to: Number(events.at(-1)!.sequence) });
    }
  });
  // When one worker fails, the positions of the others still move, so that their events are not published again.
  const outcomes = await Promise.allSettled(workers);
  await positions.move(moves);
  for (const { partition, from, to } of moves) {
    published.set(partition, to);
    metrics.published(to - from);
  }
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

async function publishEvents(
  producer: Producer,
  { log, partition, events }: { log: string; partition: number; events: readonly LoggedEvent[] },
): Promise<void> {
  const messages = events.map((event) => messageOf(log, event));
  for (const batch of inBatches(messages, BATCH_LIMITS)) await producer.publish(partition, batch);
}

/** How many events are not published yet. */
function lagOf(heads: Sequences, published: Sequences): number {
  const behind = [...heads].map(([partition, last]) => Math.max(0, last - (published.get(partition) ?? 0)));
  return behind.reduce((total, one) => total + one, 0);
}
