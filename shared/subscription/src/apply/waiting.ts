/**
 * Why a subscription does not go on although nobody told it to stop: what its loops fail with, as this instance sees it. A
 * single failure is no news: a connection breaks, and the next attempt is well.
 */
import { isDiskFull, sqlStateOf } from '@micromart/postgres/failure';
import { toStorable } from '@micromart/text/storable';

/** So many failures of a loop in a row are shown. */
const SHOWN_FAILURES = 2;
const MAX_REASON_LENGTH = 500;

export type WaitingReason = {
  /** For an operator: what failed, and with what. */
  readonly reason: string;
  /** For anybody: nothing of what a database or an owner said. */
  readonly publicReason: string;
};

export type Waiting = {
  /** What is shown now; undefined while all is well. */
  current(): WaitingReason | undefined;
  /** A loop failed; gives whether it fails otherwise than the last time, and is worth a line. */
  failed(loop: string, error: unknown): boolean;
  /** A loop succeeded; gives whether it had failed. */
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
