/** Stores why a subscription waits, so that every instance can say so, and not only the one that fails. */
import { randomUUID } from 'node:crypto';
import { sqlStateOf } from '@micromart/postgres/failure';
import type { Client, Pool } from '@micromart/postgres/pool';
import type { Waiting } from './waiting.ts';

/** How often the reason is written again while it lasts. */
const REPEAT_MS = 3_000;
/** A reason that was not written again within this time is no longer shown: its instance has gone. */
export const WAITING_SHOWN_S = 10;

export type WaitingRecord = { write(client: Client | Pool): Promise<void> };

export function createWaitingRecord(subscription: string, waiting: Waiting): WaitingRecord {
  const instance = randomUUID();
  let written: { reason: string; atMs: number } | undefined;

  return {
    async write(client) {
      const now = waiting.current();
      const isWritten = written?.reason === now?.reason;
      if (isWritten && (!written || performance.now() - written.atMs < REPEAT_MS)) return;
      written = now && { reason: now.reason, atMs: performance.now() };
      try {
        await client.query(
          `UPDATE subscriptions SET waiting = $3, waiting_public = $4, waiting_by = $2, waiting_at = now()
           WHERE name = $1 AND ($3::text IS NOT NULL OR waiting_by = $2)`,
          [subscription, instance, now?.reason ?? null, now?.publicReason ?? null],
        );
      } catch (error) {
        // The database refuses writes, for its disk is full for example: then this instance alone shows the reason.
        if (sqlStateOf(error) === undefined) throw error;
      }
    },
  };
}
