/**
 * Tells changes of counters to all who listen at this instance. One look at the database serves all of them: soon after this
 * process has applied something, else four times a second, and only while somebody listens. It reads what other instances
 * applied as well.
 */

import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Problem } from '@micromart/http/problem';
import type { Logger } from '@micromart/process/logger';
import type { Notifier } from '@micromart/subscription/notifier';
import { createCatchUp } from './catch-up.ts';
import type { Found } from './change-events.ts';
import { beginning, chunkOf, retry } from './change-events.ts';
import {
  createListener,
  defaultLimits,
  type Listener,
  type ListenerLimits,
  type Standing,
} from './listener.ts';
import type { ReadChanges } from './read-changes.ts';
import { createWatch, type Watch } from './watch.ts';

/** How late a change that another instance applied may be noticed, and how often listeners are looked after. */
const TICK_MS = 250;
/** Between two looks: a commit that was notified during the first is found by the second. */
const MIN_PAUSE_MS = 20;
const RETRY_MS = 1_000;

/** The writing of one answer; it resolves when the answer has ended. */
export type Stream = (response: ServerResponse) => Promise<void>;

export type ChangeStream = {
  /**
   * Prepares the answer to a client that begins to listen, or comes back with the id of the last event that it got. What is
   * committed after this resolves is told. Rejects where the database cannot be asked. The signal ends the stream at once.
   */
  join(lastEventId: string | undefined, signal: AbortSignal): Promise<Stream>;
  /** How many listen now. */
  readonly listening: number;
  /** How many were cut because they did not read. */
  readonly cut: number;
};

export function createChangeStream({
  read,
  applied,
  logger,
  limits = defaultLimits,
}: {
  read: ReadChanges;
  applied: Pick<Notifier, 'next' | 'notifications'>;
  logger: Logger;
  limits?: ListenerLimits;
}): ChangeStream {
  const catchUp = createCatchUp(read);
  const listeners = new Map<ServerResponse, Listener>();
  let cut = 0;
  let joined = 0;
  let watch: Watch | undefined;

  /** Looks until the last listener has left. */
  async function run(current: Watch): Promise<void> {
    let restUntilMs = 0;
    let isFailing = false;
    while (watch === current) {
      const notifications = applied.notifications;
      if (performance.now() >= restUntilMs) {
        try {
          // Then nobody's changes have to wait in order to be told of a product only once in that time.
          if (await current.look()) restUntilMs = performance.now() + limits.intervalMs;
          isFailing = false;
        } catch (err) {
          if (!isFailing) logger.warn({ err }, 'changes cannot be read: listeners wait');
          isFailing = true;
          // Another instance may be able to answer.
          if (err instanceof Problem) for (const response of listeners.keys()) response.end();
          restUntilMs = performance.now() + RETRY_MS;
        }
      }
      const nowMs = performance.now();
      for (const listener of [...listeners.values()]) listener.tell(nowMs);
      const isResting = nowMs < restUntilMs;
      if (isResting || applied.notifications !== notifications)
        await sleep(isResting ? Math.min(TICK_MS, restUntilMs - nowMs) : MIN_PAUSE_MS);
      else await applied.next(new AbortController().signal, TICK_MS);
    }
  }

  async function startWatch(): Promise<Watch> {
    const current = createWatch(read);
    watch = current;
    void current.begun.then(
      () => run(current),
      () => {
        if (watch === current) watch = undefined;
      },
    );
    return current;
  }

  async function standingOf(current: Watch): Promise<Standing> {
    await current.begun;
    return current.standing();
  }

  return {
    get listening() {
      return listeners.size;
    },
    get cut() {
      return cut;
    },

    async join(lastEventId, signal) {
      joined += 1;
      let hasLeft = false;
      const leave = () => {
        if (hasLeft) return;
        hasLeft = true;
        joined -= 1;
        // A later one begins anew: nothing is kept for nobody, and it is not told again what was missed since.
        if (joined === 0) watch = undefined;
      };
      try {
        const current = watch ?? (await startWatch());
        const standing = await standingOf(current);
        const missed = lastEventId === undefined ? undefined : await catchUp(lastEventId);
        const { bytes, isReset } = firstOf(lastEventId, standing, missed);
        signal.throwIfAborted();
        signal.addEventListener('abort', leave, { once: true });

        return (response) =>
          new Promise((resolve) => {
            const end = () => {
              listeners.delete(response);
              leave();
              signal.removeEventListener('abort', onAbort);
              resolve();
            };
            const onAbort = () => (response.writableNeedDrain ? response.destroy() : response.end());
            response.once('close', end);
            response.once('finish', end);
            signal.addEventListener('abort', onAbort, { once: true });
            if (response.destroyed) return end();
            const listener = createListener(response, current.recent, {
              standing: { ...standing, id: missed?.id ?? standing.id },
              ...{ first: bytes, isReset, nowMs: performance.now(), limits },
              onCut: () => {
                cut += 1;
              },
            });
            listeners.set(response, listener);
            if (signal.aborted) onAbort();
          });
      } catch (error) {
        leave();
        throw error;
      }
    },
  };
}

/** What a client gets at once: how soon to come back, where it stands, and what it missed. */
function firstOf(lastEventId: string | undefined, { id }: Standing, missed: Found | undefined) {
  const said = Buffer.from(retry(RETRY_MS) + (missed ? '' : beginning(id)));
  if (!missed) return { bytes: said, isReset: false };
  const { bytes, isReset } = chunkOf(lastEventId!, missed);
  return { bytes: Buffer.concat([said, bytes]), isReset };
}
