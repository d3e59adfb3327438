/**
 * The header `Idempotency-Key`: when a client sends a write again, because its answer was lost, it is executed once and answered
 * twice. Only successful answers are stored, in the transaction of their change, under a unique key. So a repetition cannot
 * succeed a second time; it gets the stored answer instead (ChangeStore). Nor can it fail, because the stored answer is looked
 * up before any error is returned. While the first request still runs in this process, the second is refused.
 */
import { createHash } from 'node:crypto';
import { formatPosition } from '@micromart/events/position';
import { headerText } from '@micromart/http/parameters';
import type { Answer, RouteRequest } from '@micromart/http/route';
import { z } from 'zod';
import {
  type Changed,
  type ChangeStore,
  type IdempotencyKey,
  keyInFlight,
  nameOfKey,
} from './change-store.ts';

export const MAX_KEY_LENGTH = 255;

/** The request headers to declare on a route whose write may be repeated. */
export const idempotencyHeaders = z.object({
  'Idempotency-Key': headerText().min(1).max(MAX_KEY_LENGTH).optional().meta({
    description: 'Makes the request safe to repeat: the same key gets the same answer for 24 hours.',
  }),
});

/** The headers of its answers. */
export const writtenHeaders = z.object({
  Position: z.string().optional().meta({
    description:
      "The position of the write's last event, or of the resource's last one if it made none: send it as `Consistent-With`",
    example: 'cart-3f2a9c1e/7@1234',
  }),
  'Idempotent-Replayed': z
    .literal('true')
    .optional()
    .meta({ description: 'Present when the write was executed before: this is the answer that it got then' }),
});

type WriteRequest = RouteRequest<unknown, unknown, z.output<typeof idempotencyHeaders>, unknown>;

export type Idempotency = {
  /** Answers a write with its stored answer, or with the result of `work`, which must pass the key on to its change. */
  once(
    request: WriteRequest,
    work: (key: IdempotencyKey | undefined) => Promise<Changed<Answer>>,
  ): Promise<Answer>;
};

export function createIdempotency(store: Pick<ChangeStore<unknown>, 'replay'>): Idempotency {
  const inFlight = new Set<string>();

  return {
    async once(request, work) {
      const key = keyOf(request);
      if (!key) return answerOf(await work(undefined));
      const flight = nameOfKey(key);
      if (inFlight.has(flight)) throw keyInFlight();
      inFlight.add(flight);
      try {
        return answerOf(
          await work(key).catch(async (error) => (await store.replay<Answer>(key)) ?? raise(error)),
        );
      } finally {
        inFlight.delete(flight);
      }
    },
  };
}

/** A request without `If-None-Match` has the fingerprint of versions that ignored it, so that keys outlive an upgrade. */
function keyOf({ caller, headers, body, raw }: WriteRequest): IdempotencyKey | undefined {
  const key = headers['Idempotency-Key'];
  if (key === undefined) return undefined;
  const { 'if-match': ifMatch = null, 'if-none-match': ifNoneMatch } = raw.headers;
  const request = JSON.stringify([
    raw.method,
    raw.originalUrl,
    ifMatch,
    body ?? null,
    ...(ifNoneMatch === undefined ? [] : [ifNoneMatch]),
  ]);
  return {
    scope: caller.subject,
    key,
    fingerprint: createHash('sha256').update(request).digest('base64url'),
  };
}

const answerOf = ({ answer, position, replayed }: Changed<Answer>): Answer => ({
  ...answer,
  headers: {
    ...answer.headers,
    ...(position && { position: formatPosition([position]) }),
    ...(replayed && { 'idempotent-replayed': 'true' }),
  },
});

function raise(error: unknown): never {
  throw error;
}
