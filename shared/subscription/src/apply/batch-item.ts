/** The items of a batch, and which of them are applied or parked. Pure. */
import { isMalformed, type MalformedEvent, type ReceivedEvent } from '@micromart/events/envelope';
import type { Projection } from '../projection.ts';
import { EventFault } from './event-fault.ts';
import type { Move } from './fence.ts';
import { sequenceOf } from './reorder-buffer.ts';

/** Why an event is parked, and how often it was tried. */
export type Fault = { readonly reason: string; readonly attempts: number };

/** An event with the result of parsing it: parsed, of an unknown type, or at fault. A malformed event is always at fault. */
export type Item<E> = { readonly event: ReceivedEvent } & (
  | { readonly parsed: E }
  | { readonly unknown: true }
  | { readonly fault: Fault }
);

export type ParkedItem = { readonly event: ReceivedEvent; readonly fault: Fault };

/** Whether an event is given up, so that no generation counts it: by the log and its position. */
export type IsDiscarded = (log: string, event: Pick<ReceivedEvent, 'partition' | 'sequence'>) => boolean;

export function toItem<E>({ parse }: Projection<E>, event: ReceivedEvent): Item<E> {
  if (isMalformed(event)) return { event, fault: { reason: faultOf(event), attempts: 1 } };
  try {
    const parsed = parse(event);
    return parsed === undefined ? { event, unknown: true } : { event, parsed };
  } catch (error) {
    return { event, fault: { reason: new EventFault(error).message, attempts: 1 } };
  }
}

/** Why a malformed event cannot be applied, as a text that can be stored. */
const faultOf = ({ fault }: MalformedEvent): string => new EventFault(fault).message;

/** Events with the same key stay in order. A key belongs to its partition. */
export const keyOf = ({ partition, partitionkey }: ReceivedEvent): string => `${partition}/${partitionkey}`;

/**
 * Divides a batch. An event at fault is parked, and so is every later event of its key, and every event whose key has parked
 * events already (`blocked`). An event without a key blocks no others. Unknown types are skipped. All others are applied, in
 * order.
 */
export function divide<E>(
  items: readonly Item<E>[],
  blocked: ReadonlySet<string>,
): { apply: E[]; park: ParkedItem[] } {
  const keys = new Set(blocked);
  const apply: E[] = [];
  const park: ParkedItem[] = [];
  for (const item of items) {
    if ('unknown' in item) continue;
    const key = keyOf(item.event);
    if ('fault' in item) park.push(item);
    else if (keys.has(key)) park.push({ event: item.event, fault: BEHIND });
    else apply.push(item.parsed);
    if ('fault' in item && item.event.partitionkey !== '') keys.add(key);
  }
  return { apply, park };
}

const BEHIND: Fault = { reason: 'waits behind an earlier event of its key', attempts: 0 };

/** How far each partition moves with these items, which are dense and in order within each partition. */
export function movesOf(items: readonly { event: ReceivedEvent }[]): Move[] {
  const moves = new Map<number, Move>();
  for (const { event } of items) {
    const { partition } = event;
    const to = sequenceOf(event);
    moves.set(partition, { partition, from: moves.get(partition)?.from ?? to - 1, to });
  }
  return [...moves.values()];
}
