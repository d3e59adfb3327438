import type { Evidence } from '../evidence/evidence.ts';

/**
 * Every accepted order is a job, which is known at all times and ends, done; and jobs are numbered in the order in which
 * they were accepted: one that was sent after another's acceptance has the higher number.
 */
export function judgeJobs({ catalog: { history, jobs } }: Evidence): string[] {
  const byId = new Map(jobs.map((job) => [job.id, job]));
  const accepted = history.orders.flatMap(({ outcome, sentAtMs, endedAtMs }) =>
    outcome.kind === 'accepted' ? [{ sentAtMs, endedAtMs, id: outcome.job, job: byId.get(outcome.job) }] : [],
  );
  const lost = accepted.filter(({ job }) => !job).map(({ id }) => `the accepted job ${id} is lost`);
  const undone = jobs
    .filter(({ state }) => state !== 'done')
    .map(({ id, kind, state }) => `job ${id} (${kind}) has come to be ${state}`);
  return [
    ...history.misanswers.map((why) => `a question was misanswered: ${why}`),
    ...lost,
    ...undone,
    ...disordered(accepted.flatMap(({ job, ...times }) => (job ? [{ ...times, number: job.number }] : []))),
  ];
}

function disordered(accepted: readonly { sentAtMs: number; endedAtMs: number; number: number }[]): string[] {
  const byEnd = accepted.toSorted((a, b) => a.endedAtMs - b.endedAtMs);
  const bySent = accepted.toSorted((a, b) => a.sentAtMs - b.sentAtMs);
  let highest = 0;
  let next = 0;
  return bySent.flatMap(({ sentAtMs, number }) => {
    for (; next < byEnd.length && byEnd[next]!.endedAtMs < sentAtMs; next += 1)
      highest = Math.max(highest, byEnd[next]!.number);
    return number < highest ? [`job number ${number} was ordered after number ${highest} was accepted`] : [];
  });
}
