/**
 * The head watch: one question held open at the owner, "tell me when you have more". The answer is how an event at a
 * partition's end is missed when its delivery was lost, how an idle partition stays fresh, and how it comes to light that
 * the history is not the same any more.
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

const QUESTION = 'heads';
/** Between two questions, for an owner that ends each answer at once. */
const LEAST_INTERVAL_MS = 3;

/**
 * Why these heads are not of the history that a subscription stands in; undefined when they are. `positions` are those
 * from before the question was put: heads may lie below what was applied while the answer was on its way.
 */
export function replacedBy(
  { log, positions }: { log: string; positions: Sequences },
  heads: Heads,
): string | undefined {
  if (heads.log !== log) return `the owner's log is now ${heads.log}; this subscription stands in ${log}`;
  if (positions.size > 0 && positions.size !== heads.last.size)
    return `${log} has ${heads.last.size} partitions now; this subscription stands in ${positions.size}`;
  for (const [partition, position] of positions) {
    const last = heads.last.get(partition) ?? 0;
    if (last < position)
      return `partition ${partition} of ${log} ends at ${last}; this subscription has read up to ${position}`;
  }
  return undefined;
}

/**
 * One question and what follows from all that comes in answer to it. Throws SourceReplaced for heads of another history, as
 * long as that is not certain; nothing of them is taken in.
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
  onWell,
  signal,
}: {
  name: string;
  pool: Pool;
  source: EventSource;
  waitS: number;
  /** How many events an answer may bring along. */
  events: number;
  state: SubscriptionState;
  control: Control;
  replacedSource: ReplacedSource;
  notifier: Notifier;
  /** Called for every good answer. */
  onWell: () => void;
  signal: AbortSignal;
}): () => Promise<void> {
  const isReplaced = () => control.state?.stopped === 'source-replaced';

  return async function watchHeads() {
    if (isReplaced()) return notifier.next(signal);
    let positions = state.positions();
    for await (const news of source.watch({ after: state.heads(), waitS, events, signal })) {
      if (isReplaced()) return;
      if (state.log === undefined) state.learn(await adoptLog(pool, name, news), performance.now());
      const replaced = replacedBy({ log: state.log!, positions }, news);
      if (replaced) {
        if (replacedSource.conclude(QUESTION, performance.now()))
          return control.stop('source-replaced', replaced);
        throw new SourceReplaced(replaced);
      }
      replacedSource.refute(QUESTION);
      onWell();
      // What comes next was looked up later than this, but maybe before what has been applied meanwhile.
      positions = news.last;
      state.hear(news, performance.now());
      if (control.isActive()) state.acceptWithHeads(news.events ?? []);
      notifier.notify();
    }
    await sleep(LEAST_INTERVAL_MS);
  };
}
