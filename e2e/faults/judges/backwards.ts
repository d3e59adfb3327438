import { formatPosition } from '@micromart/events/position';
import type { Evidence } from '../evidence/evidence.ts';
import type { Answer } from '../load/history.ts';

/** The wall clock was read in whole milliseconds, rounded down. */
const ROUNDING_MS = 1;

/**
 * No answer goes back: one that was asked for when another had come lies at or beyond it in every partition, whoever asked
 * and whichever process answered.
 */
export const judgeBackwards = ({ history }: Evidence): string[] =>
  [...Map.groupBy(history.answers, ({ readModel }) => readModel).values()].flatMap(judgeReadModel);

function judgeReadModel(answers: readonly Answer[]): string[] {
  const ended = answers.toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const reached = new Map<number, number>();
  let next = 0;
  return answers
    .toSorted((a, b) => a.sentAtMs - b.sentAtMs)
    .flatMap(({ sentAtMs, positions }) => {
      for (; next < ended.length && ended[next]!.endedAtMs + ROUNDING_MS < sentAtMs; next += 1)
        for (const { partition, sequence } of ended[next]!.positions)
          reached.set(partition, Math.max(reached.get(partition) ?? 0, sequence));
      const own = new Map(positions.map(({ partition, sequence }) => [partition, sequence]));
      const behind = [...reached].find(([partition, sequence]) => (own.get(partition) ?? 0) < sequence);
      return behind
        ? [
            `an answer at ${formatPosition(positions)} goes back: ${behind.join('@')} had been answered before`,
          ]
        : [];
    });
}
