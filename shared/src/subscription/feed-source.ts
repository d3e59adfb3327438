/** The owner's feed over HTTP: the client of event-log's routes (interface: `GET /events`, `GET /events/{partition}`). */
import { z } from 'zod';
import { envelope } from '../contracts/envelope.ts';
import { formatAfter, isLogName } from '../event-log/position.ts';
import { createSend } from '../http/send.ts';
import { type EventSource, SourceReplaced } from './source.ts';

/** How long an answer may take beyond what it was asked to wait. */
const ANSWER_TIMEOUT_MS = 15_000;
const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const MAX_PROBLEM_LENGTH = 300;
/** Pages at the same time, and the question for the heads. */
const MAX_CONNECTIONS = 16;

const headsAnswer = z.object({
  log: z.string().refine(isLogName),
  at: z.iso.datetime(),
  partitions: z.array(z.object({ partition: z.int().min(0), last: z.int().min(0) })).min(1),
  events: z.array(envelope).optional(),
});

const pageAnswer = z.array(envelope);

/**
 * A source that asks the feed at `url` (`http://cart:4001/events`), with a token that is asked for at every request.
 * Everything it throws says which address did not do what; SourceReplaced for the feed's 409.
 */
export function createFeedSource({ url, token }: { url: string; token: () => Promise<string> }): EventSource {
  const base = url.replace(/\/$/, '');
  const send = createSend({ connections: MAX_CONNECTIONS });

  async function get<T>(
    path: string,
    { schema, timeoutMs, signal }: { schema: z.ZodType<T>; timeoutMs: number; signal: AbortSignal },
  ): Promise<T> {
    const headers = { authorization: `Bearer ${await token()}` };
    const limits = { timeoutMs, maxBytes: MAX_ANSWER_BYTES, signal };
    const { status, body } = await send({ method: 'GET', url: base + path, headers }, limits);
    const text = body.toString('utf8');
    if (status === 409) throw new SourceReplaced(detailOf(text));
    if (status !== 200) throw new Error(`answered ${status}: ${detailOf(text)}`);
    const result = schema.safeParse(JSON.parse(text));
    if (!result.success) throw new Error(`answered what is not a feed's: ${z.prettifyError(result.error)}`);
    return result.data;
  }

  /** What is thrown names the address, which carries no secret. */
  async function ask<T>(path: string, options: Parameters<typeof get<T>>[1]): Promise<T> {
    try {
      return await get(path, options);
    } catch (error) {
      if (error instanceof SourceReplaced || options.signal.aborted) throw error;
      const { message, cause } = error as { message: string; cause?: { message?: string } };
      const why = cause?.message ? `${message}: ${cause.message}` : message;
      throw new Error(`the feed ${base}${path} ${why}`.slice(0, 2 * MAX_PROBLEM_LENGTH), { cause: error });
    }
  }

  return {
    async heads({ after, waitS, events: wanted, signal }) {
      const query = after.size > 0 ? `?after=${formatAfter(after)}&wait=${waitS}&events=${wanted}` : '';
      const timeoutMs = waitS * 1_000 + ANSWER_TIMEOUT_MS;
      const { log, at, partitions, events } = await ask(query, { schema: headsAnswer, timeoutMs, signal });
      return {
        log,
        at: new Date(at),
        last: new Map(partitions.map(({ partition, last }) => [partition, last])),
        events,
      };
    },
    page({ log, partition, after, limit, signal }) {
      const path = `/${partition}?log=${log}&after=${after}&limit=${limit}`;
      return ask(path, { schema: pageAnswer, timeoutMs: ANSWER_TIMEOUT_MS, signal });
    },
  };
}

/** What a problem document says (RFC 9457), or the beginning of what came in its place. */
function detailOf(text: string): string {
  try {
    const { detail, title } = JSON.parse(text);
    return String(detail ?? title).slice(0, MAX_PROBLEM_LENGTH);
  } catch {
    return text.slice(0, MAX_PROBLEM_LENGTH);
  }
}
