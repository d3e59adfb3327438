/**
 * Keeps one request open at the owner, which answers with its heads as soon as it has more events. The heads show a lost
 * delivery at a partition's end, keep an idle partition fresh, and show when the owner's log was replaced.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Heads } from '@micromart/event-log/event-log';
import type { Sequences } from '@micromart/events/position';
import type { Pool } from '@micromart/postgres/pool';
import { adoptLog } from '../apply/checkpoint.ts';
import type { SubscriptionState } from '../apply/subscription-state.ts';
import type { Control } from '../control.ts';
import type { Notifier } from '../notifier.ts';
import { type EventSource, SourceReplaced } from './event-source.ts';
import type { ReplacedSource } from './replaced-source.ts';

const REQUEST = 'heads';
/** The pause between two requests, for an owner that ends each answer at once. */
const LEAST_INTERVAL_MS = 3;

/**
 * Why these heads belong to another history than the subscription follows; undefined when they do not. `positions` must be
 * those from before the request: heads may lie below what was applied while the answer was on its way.
 */
export function replacedBy(
  { log, positions }: { log: string; positions: Sequences },
  heads: Heads,
): string | undefined {
  if (heads.log !== log) return `the owner's log is now ${heads.log}; this subscription follows ${log}`;
  if (positions.size > 0 && positions.size !== heads.last.size)
    return `${log} has ${heads.last.size} partitions now; this subscription follows ${positions.size}`;
  for (const [partition, position] of positions) {
    const last = heads.last.get(partition) ?? 0;
    if (last < position)
      return `partition ${partition} of ${log} ends at ${last}; this subscription has read up to ${position}`;
  }
  return undefined;
}

/**
 * Sends one request and records all heads in its answer. Throws SourceReplaced for heads of another history, as long as that is
 * not certain; then it stops the subscription. Nothing of such heads is recorded.
 */
export function createHeadsClient({
  name,
  pool,
  source,
  waitS,
  events,
  state,
  control,
  replacedSource,
  notifier,
  onAnswer,
  signal,
}: {
  name: string;
  pool: Pool;
  source: EventSource;
  waitS: number;
  /** How many events may come with the heads. */
  events: number;
  state: SubscriptionState;
  control: Control;
  replacedSource: ReplacedSource;
  notifier: Notifier;
  /** Called for every good answer. */
  onAnswer: () => void;
  signal: AbortSignal;
}): () => Promise<void> {
  const isReplaced = () => control.state?.stopped === 'source-replaced';

  return async function watchHeads() {
    if (isReplaced()) return notifier.next(signal);
    let positions = state.positions();
    for await (const heads of source.watch({ after: state.heads(), waitS, events, signal })) {
      if (isReplaced()) return;
      if (state.log === undefined) state.learn(await adoptLog(pool, name, heads), performance.now());
      const replaced = replacedBy({ log: state.log!, positions }, heads);
      if (replaced) {
        if (replacedSource.conclude(REQUEST, performance.now()))
          return control.stop('source-replaced', replaced);
        throw new SourceReplaced(replaced);
      }
      replacedSource.refute(REQUEST);
      onAnswer();
      // The owner reads the next heads later than these, but maybe before events that are applied meanwhile.
      positions = heads.last;
      state.learnHeads(heads, performance.now());
      if (control.isActive()) state.acceptWithHeads(heads.events ?? []);
      notifier.notify();
    }
    await sleep(LEAST_INTERVAL_MS);
  };
}
