import type { Evidence } from '../evidence/evidence.ts';

type Request = { readonly sentAtMs: number; readonly endedAtMs: number };
type Failed = Request & { readonly what: string };

/** While processes were exchanged in order, one after another, no request of anybody failed. */
export function judgeRolls(evidence: Evidence): string[] {
  const failed = failedRequests(evidence);
  return evidence.rolls.flatMap(({ fault, fromMs, tillMs }) =>
    failed
      .filter(({ sentAtMs, endedAtMs }) => sentAtMs <= tillMs && endedAtMs >= fromMs)
      .map(({ what }) => `${what} during "${fault}"`),
  );
}

function failedRequests({ history, glances, catalog }: Evidence): Failed[] {
  const writes = [...history.openings, ...history.changes.flatMap(({ attempts }) => attempts)];
  return [
    ...writes.flatMap(({ outcome, ...times }) =>
      isFailure(outcome) ? [{ ...times, what: `a write failed: ${outcome.why}` }] : [],
    ),
    ...[...history.broken, ...history.unanswered.filter(isUnpromised)].map(({ why, ...times }) => ({
      ...times,
      what: `a read failed: ${why}`,
    })),
    ...glances.flatMap(({ failure, ...times }) =>
      failure === undefined ? [] : [{ ...times, what: `a cart could not be seen: ${failure}` }],
    ),
    ...catalog.history.orders.flatMap(({ outcome, ...times }) =>
      isFailure(outcome) ? [{ ...times, what: `an order failed: ${outcome.why}` }] : [],
    ),
  ];
}

/** A read model may say that it does not include a position yet: it is promised to be honest, not to be in time. */
const isUnpromised = ({ why }: { readonly why: string }): boolean =>
  !why.includes('"/problems/not-yet-consistent"');

/** A refusal is an answer, unless there was nobody who gave it. */
const isFailure = <Outcome extends { readonly kind: string }>(
  outcome: Outcome,
): outcome is Extract<Outcome, { readonly why: string }> =>
  outcome.kind === 'unknown' ||
  (outcome.kind === 'refused' && 'why' in outcome && String(outcome.why).startsWith('ECONN'));
