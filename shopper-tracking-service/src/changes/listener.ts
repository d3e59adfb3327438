/** One client of `GET /changes`. */
import type { ServerResponse } from 'node:http';
import { comment } from './change-events.ts';
import type { RecentChanges } from './recent-changes.ts';

export type ListenerLimits = {
  /** A product is told at most once in that time. */
  readonly intervalMs: number;
  /** A client that was told to read everything again gets so long for it. */
  readonly afterResetMs: number;
  /** A client that takes nothing for so long is cut; it comes back, and is told what it missed. */
  readonly stuckMs: number;
  /** So long nothing is sent before a comment shows that the stream is alive. */
  readonly heartbeatMs: number;
  /** Then the stream ends: the client comes back, and its token is checked again. */
  readonly listeningMs: number;
};

export const defaultLimits: ListenerLimits = {
  intervalMs: 1_000,
  afterResetMs: 5_000,
  stuckMs: 10_000,
  heartbeatMs: 15_000,
  listeningMs: 300_000,
};

export type Listener = {
  /** Sends what is due. Times are of `performance.now()`. */
  tell(nowMs: number): void;
};

/** Where a listener stands: it was told all up to this number of the recent changes, which ends at this id. */
export type Standing = { readonly told: number; readonly id: string };

export function createListener(
  response: ServerResponse,
  recent: RecentChanges,
  {
    standing,
    first,
    isReset,
    nowMs,
    limits,
    onCut,
  }: {
    standing: Standing;
    /** What it is told at once. */
    first: Buffer;
    isReset: boolean;
    nowMs: number;
    limits: ListenerLimits;
    onCut: () => void;
  },
): Listener {
  const endsMs = nowMs + limits.listeningMs;
  let { told, id } = standing;
  let [sentMs, nextMs] = [nowMs, nowMs];
  let stuckSinceMs: number | undefined;

  function send(bytes: Buffer | string, atMs: number): void {
    sentMs = atMs;
    if (response.write(bytes)) return;
    stuckSinceMs = atMs;
    response.once('drain', () => {
      stuckSinceMs = undefined;
    });
  }

  function sendChanges(bytes: Buffer, isReset: boolean, atMs: number): void {
    nextMs = atMs + (isReset ? limits.afterResetMs : limits.intervalMs);
    send(bytes, atMs);
  }

  sendChanges(first, isReset, nowMs);

  return {
    tell(atMs) {
      if (stuckSinceMs !== undefined) {
        if (atMs - stuckSinceMs < limits.stuckMs) return;
        onCut();
        response.destroy();
        return;
      }
      if (atMs >= endsMs) {
        response.end();
        return;
      }
      const news = atMs >= nextMs ? recent.since(told, id) : undefined;
      if (news) {
        [told, id] = [recent.newest, news.id];
        sendChanges(news.bytes, news.isReset, atMs);
      } else if (atMs - sentMs >= limits.heartbeatMs) send(comment('heartbeat'), atMs);
    },
  };
}
