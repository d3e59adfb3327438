import type { Evidence } from '../evidence/evidence.ts';

/** What a cart answers when the catalog is away and it never saw the product. */
const UNSEEN = 'nothing recent enough is known of product';

/**
 * While Kafka or the catalog was away, no write of a shopper failed that was sent and ended meanwhile. A cart that was
 * started anew may refuse products that it has not seen yet, and nothing else.
 */
export function judgeSpared({ history, spared }: Evidence): string[] {
  const failed = history.changes
    .flatMap(({ attempts }) => attempts)
    .flatMap(({ outcome, ...times }) =>
      outcome.kind === 'unknown' || (outcome.kind === 'refused' && outcome.why.startsWith('ECONN'))
        ? [{ ...times, why: outcome.why }]
        : [],
    );
  return spared.flatMap(({ fault, fromMs, tillMs, withEmptyCopies }) =>
    failed
      .filter(({ sentAtMs, endedAtMs }) => sentAtMs >= fromMs && endedAtMs <= tillMs)
      .filter(({ why }) => !(withEmptyCopies && why.includes(UNSEEN)))
      .map(({ why }) => `a write failed by "${fault}": ${why}`),
  );
}
