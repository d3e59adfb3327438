import type { Evidence, LogEvent } from '../evidence/evidence.ts';
import type { Change } from '../load/history.ts';

/**
 * An acknowledged change stands in the log once, where the answer said, a refused one not at all, one of unknown outcome
 * once or not at all; and each with exactly what was asked for. Nothing stands there that nobody asked for.
 */
export function judgeChanges({ history, log }: Evidence): string[] {
  const byTrace = Map.groupBy(log, ({ trace }) => trace);
  const traces = new Set(history.changes.flatMap(({ attempts }) => attempts.map(({ trace }) => trace)));
  const foreign = log.filter(({ trace }) => trace === undefined || !traces.has(trace));
  return [
    ...history.changes.flatMap((change) => judgeChange(change, byTrace)),
    // Where there were no shoppers, somebody else wrote the log.
    ...(history.changes.length > 0 ? foreign.map((event) => `${at(event)} is of no recorded request`) : []),
  ];
}

function judgeChange(
  change: Change,
  byTrace: ReadonlyMap<number | undefined, readonly LogEvent[]>,
): string[] {
  const { attempts, kind, cartId } = change;
  const written = attempts.flatMap(({ trace }) => {
    const events = byTrace.get(trace);
    return events ? [events] : [];
  });
  const acknowledged = attempts.flatMap(({ outcome }) =>
    outcome.kind === 'acknowledged' ? [outcome.position] : [],
  );
  const unknown = attempts.some(({ outcome }) => outcome.kind === 'unknown');
  const name = `${kind} of request ${attempts[0]?.trace} to cart ${cartId}`;
  const events = written[0];
  if (written.length > 1) return [`${name} happened ${written.length} times`];
  if (!events) return acknowledged.length > 0 ? [`${name} was acknowledged and is lost`] : [];
  if (acknowledged.length === 0 && !unknown) return [`${name} was refused and happened`];
  const objections = isAsAsked(change, events) ? [] : [`${name} happened otherwise than asked for`];
  const last = events.at(-1)!;
  for (const position of acknowledged)
    if (position?.partition !== last.partition || position.sequence !== last.sequence)
      objections.push(`${name} was acknowledged with a position that is not ${at(last)}`);
  return objections;
}

function isAsAsked({ kind, reason, cartId, items }: Change, events: readonly LogEvent[]): boolean {
  const [first] = events;
  if (kind === 'close' && first?.kind === 'close')
    return events.length === 1 && first.cartId === cartId && first.reason === reason;
  return (
    events.length === items.length &&
    events.every((event, n) => {
      if (event.kind === 'close') return false;
      const { productId, quantity } = items[n]!;
      // A removal takes out what there is, up to what was asked for.
      const fits = kind === 'add' ? event.quantity === quantity : event.quantity <= quantity;
      return event.kind === kind && event.cartId === cartId && event.productId === productId && fits;
    })
  );
}

const at = ({ partition, sequence }: LogEvent): string => `event ${partition}@${sequence}`;
