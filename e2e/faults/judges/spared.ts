import type { Evidence } from '../evidence/evidence.ts';

/** While Kafka or the catalog was away, no write of a shopper failed that was sent and ended meanwhile. */
export function judgeSpared({ history, spared }: Evidence): string[] {
  const failed = history.changes
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ outcome, ...times }) =>
      outcome.kind === 'unknown' || (outcome.kind === 'refused' && outcome.why.startsWith('ECONN'))
        ? [{ ...times, why: outcome.why }]
        : [],
    );
  return spared.flatMap(({ fault, fromMs, tillMs }) =>
    failed
      .filter(({ sentAtMs, endedAtMs }) => sentAtMs >= fromMs && endedAtMs <= tillMs)
      .map(({ why }) => `a write failed by "${fault}": ${why}`),
  );
}
