import { formatPosition, type LogPosition } from '@micromart/events/position';
import type { Evidence } from '../evidence/evidence.ts';
import { type Answer, NO_COUNTERS } from '../load/history.ts';
import { createRecount, formatCounters, type Recount, sameCounters } from './recount.ts';

/**
 * No answer ever lied. Its counters are what the log comes to up to its `Position`; that lies at or beyond the token that
 * the request bore; and whatever was acknowledged before its `As-Of` lies at or below it. (Acknowledged before a moment
 * is committed before it, by the same clock: database and shoppers are on one machine.)
 */
export function judgeAnswers({ history, log }: Evidence): string[] {
  const recount = createRecount(log);
  return [
    ...history.misanswers.map((why) => `a read was misanswered: ${why}`),
    ...history.answers.flatMap((answer) => [...judgeCounters(answer, recount), ...judgeTokens(answer)]),
    ...judgeTimes(history),
  ];
}

const sequencesOf = (positions: readonly LogPosition[]): ReadonlyMap<number, number> =>
  new Map(positions.map(({ partition, sequence }) => [partition, sequence]));

function judgeCounters({ counters, whole, positions }: Answer, recount: Recount): string[] {
  const upTo = sequencesOf(positions);
  const products = whole ? new Set([...recount.products, ...counters.keys()]) : counters.keys();
  return [...products].flatMap((productId) => {
    const answered = counters.get(productId) ?? NO_COUNTERS;
    const expected = recount.counters(productId, upTo);
    return sameCounters(answered, expected)
      ? []
      : [
          `an answer at ${formatPosition(positions)} gave ${productId} ${formatCounters(answered)}; the log has ${formatCounters(expected)} there`,
        ];
  });
}

function judgeTokens({ positions, tokens }: Answer): string[] {
  const reached = sequencesOf(positions);
  return tokens
    .filter(({ partition, sequence }) => (reached.get(partition) ?? 0) < sequence)
    .map(
      (token) =>
        `an answer at ${formatPosition(positions)} was given for the token ${formatPosition([token])}`,
    );
}

/** The wall clock was read in whole milliseconds, rounded down. */
const ROUNDING_MS = 1;

function judgeTimes({ changes, answers }: Evidence['history']): string[] {
  const acknowledged = changes
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ outcome, endedAtMs }) =>
      outcome.kind === 'acknowledged' && outcome.position ? [{ ...outcome.position, endedAtMs }] : [],
    )
    .toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const heads = new Map<number, number>();
  let next = 0;
  return answers
    .toSorted((a, b) => a.asOfMs - b.asOfMs)
    .flatMap(({ asOfMs, positions }) => {
      for (; next < acknowledged.length && acknowledged[next]!.endedAtMs + ROUNDING_MS < asOfMs; next += 1) {
        const { partition, sequence } = acknowledged[next]!;
        heads.set(partition, Math.max(heads.get(partition) ?? 0, sequence));
      }
      const reached = sequencesOf(positions);
      const missing = [...heads].find(([partition, head]) => (reached.get(partition) ?? 0) < head);
      return missing
        ? [
            `an answer as of ${new Date(asOfMs).toISOString()} at ${formatPosition(positions)} lacks ${missing.join('@')}, acknowledged before`,
          ]
        : [];
    });
}
