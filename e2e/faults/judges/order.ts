import { type Evidence, isMove, type LogEvent, type LogMove } from '../evidence/evidence.ts';

/**
 * Order per cart holds in the log: each change was decided upon the one before it (versions rise by one, and no line is
 * ever taken below nothing), and a change that was sent after another's acknowledgement stands behind it.
 */
export function judgeOrder({ history, log }: Evidence): string[] {
  const byCart = Map.groupBy(
    log.filter(({ cartId }) => history.carts.has(cartId)),
    ({ cartId }) => cartId,
  );
  const sequenceOf = new Map(log.map(({ trace, sequence }) => [trace, sequence]));
  const changesOf = Map.groupBy(history.changes, ({ cartId }) => cartId);
  return [...byCart].flatMap(([cartId, events]) => [
    ...judgeVersions(cartId, events),
    ...judgeLines(cartId, events.filter(isMove)),
    ...judgeTimes(cartId, changesOf.get(cartId) ?? [], sequenceOf),
  ]);
}

/** A cart is opened at version 1, without an event. */
const FIRST_VERSION = 2;

function judgeVersions(cartId: string, events: readonly LogEvent[]): string[] {
  const changes = [...Map.groupBy(events, ({ trace }) => trace).values()];
  if (new Set(events.map(({ partition }) => partition)).size > 1)
    return [`the events of cart ${cartId} stand in several partitions`];
  return changes.flatMap((change, n) =>
    change.every(({ version }) => version === FIRST_VERSION + n)
      ? []
      : [
          `cart ${cartId}: change ${n + 1} in the log has version ${change[0]!.version}, not ${FIRST_VERSION + n}`,
        ],
  );
}

function judgeLines(cartId: string, events: readonly LogMove[]): string[] {
  const lines = new Map<string, number>();
  return events.flatMap(({ kind, productId, quantity, sequence }) => {
    const left = (lines.get(productId) ?? 0) + (kind === 'add' ? quantity : -quantity);
    lines.set(productId, left);
    return left < 0
      ? [`cart ${cartId}: event @${sequence} takes out more of ${productId} than there is`]
      : [];
  });
}

function judgeTimes(
  cartId: string,
  changes: Evidence['history']['changes'],
  sequenceOf: ReadonlyMap<number | undefined, number>,
): string[] {
  const placed = changes.flatMap(({ attempts }) => {
    const effective = attempts.find(({ trace }) => sequenceOf.has(trace));
    const acknowledged = attempts.find(({ outcome }) => outcome.kind === 'acknowledged');
    return effective
      ? [
          {
            sentAtMs: effective.sentAtMs,
            endedAtMs: acknowledged?.endedAtMs ?? Number.POSITIVE_INFINITY,
            sequence: sequenceOf.get(effective.trace)!,
          },
        ]
      : [];
  });
  const byEnd = placed.toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const bySent = placed.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  let highest = 0;
  let next = 0;
  return bySent.flatMap(({ sentAtMs, sequence }) => {
    for (; next < byEnd.length && byEnd[next]!.endedAtMs < sentAtMs; next += 1)
      highest = Math.max(highest, byEnd[next]!.sequence);
    return sequence < highest
      ? [`cart ${cartId}: event @${sequence} was asked for after @${highest} was acknowledged`]
      : [];
  });
}
