/**
 * Why a subscription makes no progress although nobody stopped it: the errors of its loops in this instance. A single
 * failure is not shown, because a connection may break and the next attempt succeed.
 */
import { isDiskFull, sqlStateOf } from '@micromart/postgres/failure';
import { toStorable } from '@micromart/text/storable';

/** A loop's error is shown after this many failures in a row. */
const SHOWN_FAILURES = 2;
const MAX_REASON_LENGTH = 500;

export type WaitingReason = {
  /** For operators: the loop that failed, and its error. */
  readonly reason: string;
  /** For everybody: without the message of the database or the owner. */
  readonly publicReason: string;
};

export type Waiting = {
  /** The reason that is shown now; undefined while all loops succeed. */
  current(): WaitingReason | undefined;
  /** Records a loop's failure. Returns whether it differs from the last one, and should be logged. */
  failed(loop: string, error: unknown): boolean;
  /** Records a loop's success. Returns whether it had failed before. */
  succeeded(loop: string): boolean;
};

export function createWaiting(): Waiting {
  const failures = new Map<string, WaitingReason & { readonly count: number }>();
  return {
    current: () => [...failures.values()].find(({ count }) => count >= SHOWN_FAILURES),
    failed(loop, error) {
      const before = failures.get(loop);
      const described = describe(loop, error);
      failures.set(loop, { ...described, count: (before?.count ?? 0) + 1 });
      return before?.publicReason !== described.publicReason;
    },
    succeeded: (loop) => failures.delete(loop),
  };
}

function describe(loop: string, error: unknown): WaitingReason {
  const message = (error instanceof Error && error.message) || String(error);
  const state = sqlStateOf(error);
  const reason = toStorable(`${loop}: ${message}${state ? ` (SQLSTATE ${state})` : ''}`, MAX_REASON_LENGTH);
  if (isDiskFull(error)) return { reason, publicReason: "the disk of the store's database is full" };
  if (state) return { reason, publicReason: `the store's database refuses it (SQLSTATE ${state})` };
  const isOwners = loop === 'heads' || loop === 'feed';
  return {
    reason,
    publicReason: isOwners ? "the owner's feed does not answer as it should" : `${loop} fails`,
  };
}
