import type { Evidence, Stop } from '../evidence/evidence.ts';

const LIMIT_MS = 5_000;

/** Who is told to end does so in time and in order, and no request fails by it that had begun. */
export function judgeStops({ stops, history }: Evidence): string[] {
  const failed = [
    ...history.broken,
    ...history.changes
      .flatMap(({ attempts }) => attempts)
      .flatMap(({ outcome, ...times }) =>
        outcome.kind === 'unknown' ? [{ ...times, why: outcome.why }] : [],
      ),
  ];
  return stops.flatMap((stop) => [
    ...(stop.how === 'ended with code 0' ? [] : [`${stop.name} ${stop.how}`]),
    ...(stop.goneAtMs - stop.toldAtMs <= LIMIT_MS
      ? []
      : [`${stop.name} ended after ${stop.goneAtMs - stop.toldAtMs} ms`]),
    ...failed
      .filter((one) => overlaps(one, stop))
      .map(({ why }) => `while ${stop.name} ended, a request failed: ${why}`),
  ]);
}

const overlaps = (
  { sentAtMs, endedAtMs }: { sentAtMs: number; endedAtMs: number },
  { toldAtMs, goneAtMs }: Stop,
): boolean => sentAtMs <= goneAtMs && endedAtMs >= toldAtMs;
