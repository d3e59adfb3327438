/** The owner's feed over HTTP: the client of event-log's routes (interface: `GET /events`, `GET /events/{partition}`). */

import { type ReceivedEvent, readEvent } from '@micromart/events/envelope';
import { formatAfter, isLogName, type Sequences } from '@micromart/events/position';
import { createListen, NDJSON } from '@micromart/http/client/listen';
import { createSend } from '@micromart/http/client/send';
import { z } from 'zod';
import { type EventSource, SourceReplaced } from './event-source.ts';

/** How long an answer may take beyond the wait that the request asks for. */
const ANSWER_TIMEOUT_MS = 15_000;
/** Above twice what an owner's page, or heads with events, may take (event-log/page.ts). */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
const MAX_PROBLEM_LENGTH = 300;
/** Pages at the same time. */
const MAX_CONNECTIONS = 16;

const PROBLEM = 'application/problem+json';
/** The end of the type of the owner's problem (http/problem.ts): a relative reference may have been resolved on the way. */
const SOURCE_REPLACED = '/problems/source-replaced';

/** A stream of heads in one answer, or from an owner that cannot stream, one answer with the heads. */
const WATCH_TYPES = `${NDJSON}, application/json;q=0.9`;

const headsAnswer = z.object({
  log: z.string().refine(isLogName),
  at: z.iso.datetime(),
  partitions: z.array(z.object({ partition: z.int().min(0), last: z.int().min(0) })).min(1),
  events: z.array(z.unknown()).optional(),
});

const pageAnswer = z.array(z.unknown());

/**
 * A source that reads the feed at `url` (`http://cart:4001/events`); it calls `token` for every request. Each error names the
 * address and what it answered. Throws SourceReplaced for the feed's own 409; a 409 of a proxy is an ordinary error.
 */
export function createFeedSource({ url, token }: { url: string; token: () => Promise<string> }): EventSource {
  const base = url.replace(/\/$/, '');
  const send = createSend({ connections: MAX_CONNECTIONS });
  const listen = createListen({ connections: MAX_CONNECTIONS });
  const get = async (path: string, accept?: string) => ({
    method: 'GET',
    url: base + path,
    headers: { authorization: `Bearer ${await token()}`, ...(accept && { accept }) },
  });

  /** Adds the address to an error; the address contains no secret. */
  function named(error: unknown, path: string, signal: AbortSignal): unknown {
    if (error instanceof SourceReplaced || signal.aborted) return error;
    const { message, cause } = error as { message: string; cause?: { message?: string } };
    const why = cause?.message ? `${message}: ${cause.message}` : message;
    return new Error(`the feed ${base}${path} ${why}`.slice(0, 2 * MAX_PROBLEM_LENGTH), { cause: error });
  }

  return {
    async *watch({ after, waitS, events: wanted, signal }) {
      const path = after.size > 0 ? `?after=${formatAfter(after)}&wait=${waitS}&events=${wanted}` : '';
      const silenceMs = waitS * 1_000 + ANSWER_TIMEOUT_MS;
      try {
        const request = await get(path, WATCH_TYPES);
        for await (const answer of listen(request, { silenceMs, maxLength: MAX_ANSWER_BYTES, signal })) {
          const { log, at, partitions, events } = read(answer, headsAnswer);
          const last = new Map(partitions.map(({ partition, last }) => [partition, last]));
          yield { log, at: new Date(at), last, events: events && readEventsWithHeads(events, last) };
        }
      } catch (error) {
        throw named(error, path, signal);
      }
    },

    async page({ log, partition, after, limit, signal }) {
      const path = `/${partition}?log=${log}&after=${after}&limit=${limit}`;
      const limits = { timeoutMs: ANSWER_TIMEOUT_MS, maxBytes: MAX_ANSWER_BYTES, signal };
      try {
        const { status, headers, body } = await send(await get(path), limits);
        const contentType = headers['content-type'];
        const events = read({ status, contentType, text: body.toString('utf8') }, pageAnswer);
        return readAll(events);
      } catch (error) {
        throw named(error, path, signal);
      }
    },
  };
}

type Answer = { readonly status: number; readonly contentType: string | undefined; readonly text: string };

function read<T>({ status, contentType, text }: Answer, schema: z.ZodType<T>): T {
  if (status !== 200) {
    const { type, detail } = problemOf(contentType, text);
    if (status === 409 && type?.endsWith(SOURCE_REPLACED)) throw new SourceReplaced(detail);
    throw new Error(`answered ${status}: ${detail}`);
  }
  const result = schema.safeParse(JSON.parse(text));
  if (!result.success)
    throw new Error(`answered something other than a feed: ${z.prettifyError(result.error)}`);
  return result.data;
}

function readAll(events: readonly unknown[]): ReceivedEvent[] {
  try {
    return events.map(readEvent);
  } catch (error) {
    throw new Error(`answered something other than a feed: ${(error as Error).message}`);
  }
}

/**
 * The events that came with heads, as far as they lie at or below these. The owner reads the events after the heads, so some
 * may lie beyond, and come again with the next heads. If one has no valid position, none of them is used: the pages bring
 * them and report the error, and the heads stay known.
 */
function readEventsWithHeads(events: readonly unknown[], last: Sequences): ReceivedEvent[] {
  try {
    return events
      .map(readEvent)
      .filter(({ partition, sequence }) => Number(sequence) <= (last.get(partition) ?? 0));
  } catch {
    return [];
  }
}

/** Type and detail of a problem document (RFC 9457, 3), or the beginning of another body as the detail. */
function problemOf(contentType: string | undefined, text: string): { type?: string; detail: string } {
  try {
    if (mediaTypeOf(contentType) !== PROBLEM) throw new Error('no problem document');
    const { type, detail, title } = JSON.parse(text);
    return { type: String(type), detail: String(detail ?? title).slice(0, MAX_PROBLEM_LENGTH) };
  } catch {
    return { detail: text.slice(0, MAX_PROBLEM_LENGTH) };
  }
}

const mediaTypeOf = (contentType = ''): string => contentType.split(';')[0]!.trim().toLowerCase();
