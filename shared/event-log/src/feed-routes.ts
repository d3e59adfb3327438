/**
 * The owner's event feed: its log over HTTP. Followers start from it, fetch missing events from it, or follow it alone.
 *
 * A full page (page.ts) never changes, so caches may keep it for ever; its address names the log, so that a new history never
 * answers for an old one.
 */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { envelope } from '@micromart/events/envelope';
import { AFTER_LIST, LOG_NAME, parseAfter, type Sequences } from '@micromart/events/position';
import { NDJSON } from '@micromart/http/client/listen';
import { matchesWeakly } from '@micromart/http/conditional/entity-tag';
import { wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import { z } from 'zod';
import type { EventLog, HeadsWithEvents } from './event-log.ts';
import { createHeadsLongPoll, type HeadsRequest, liesBelow } from './heads-long-poll.ts';
import { FULL_PAGE_BYTES, isFullPage } from './page.ts';

const DEFAULT_LIMIT = 500;
const MAX_LIMIT = 1_000;
const MAX_WAIT_S = 30;
const MAX_AFTER_LENGTH = 2_000;
/** Clients that listen longer must ask again; their token is then checked. */
const MAX_LISTENING_MS = 60_000;
/** Events appended within this time after a line travel in the next line together, and are applied together. */
const NOTIFY_INTERVAL_MS = 1;

const heads = z.object({
  log: z.string(),
  at: z.iso.datetime(),
  partitions: z.array(z.object({ partition: z.int(), last: z.int() })),
  events: z
    .array(envelope)
    .optional()
    .meta({ description: 'Only with `events` in the request; in order within each partition' }),
});

const pageHeaders = z.object({
  ETag: z.string().meta({ description: 'Of a full page, which never changes' }),
  'Cache-Control': z.string(),
});

export const sourceReplaced = (detail: string) => problem('conflict', detail, { type: 'source-replaced' });

export function feedRoutes(log: EventLog): { routes: Route[]; close(): void } {
  const longPoll = createHeadsLongPoll(log);

  const toBody = ({ log, at, last, events }: HeadsWithEvents) => ({
    log,
    at: at.toISOString(),
    partitions: [...last].map(([partition, sequence]) => ({ partition, last: sequence })),
    events,
  });

  /**
   * Streams the heads whenever they move, a line each time, as long as the client listens and keeps up. Heads never go back
   * within a stream: if the database was replaced, the stream ends, and the client's next request finds out.
   */
  async function streamHeads(
    response: ServerResponse,
    first: HeadsWithEvents,
    wanted: HeadsRequest,
  ): Promise<void> {
    const { signal } = wanted;
    const untilMs = performance.now() + MAX_LISTENING_MS;
    for (
      let heads = first, notified = first;
      ;
      notified = heads, heads = await longPoll.moved(heads.last, wanted)
    ) {
      if (heads.log !== notified.log || liesBelow(heads.last, notified.last)) break;
      const hasRoom = response.write(`${JSON.stringify(toBody(heads))}\n`);
      // Node would send the line only after all work that this commit woke (bench/README.md, P5).
      response.socket?.uncork();
      if (!hasRoom) await once(response, 'drain', { signal }).catch(() => {});
      if (signal.aborted || performance.now() >= untilMs) break;
      await sleep(NOTIFY_INTERVAL_MS);
    }
    response.end();
  }

  const routes = [
    route({
      method: 'get',
      path: '/events',
      summary: 'The last sequence of every partition',
      description:
        'With `after` the request waits until a partition lies beyond it, for at most `wait` seconds. It answers at once when a partition ends below `after`, after it has asked the database. Everything committed before `at` lies at or below the heads. With `events` the answer contains the first events after `after`, at most that many, so that a client that is close behind need not ask for pages. A client that waits and accepts `application/x-ndjson` gets a stream: a line with new heads each time, as if it had asked again after the line before, for at most a minute.',
      roles: ['service'],
      query: z.object({
        after: z
          .string()
          .max(MAX_AFTER_LENGTH)
          .regex(AFTER_LIST, 'must be a list such as 0@88,7@1234')
          .optional()
          .meta({
            description: 'Partition and sequence, each partition at most once',
            example: '0@88,7@1234',
          }),
        wait: wholeNumber({ max: MAX_WAIT_S }).default(0),
        events: wholeNumber({ max: MAX_LIMIT }).default(0),
      }),
      answers: {
        200: {
          description: 'The heads',
          schema: heads,
          linesType: NDJSON,
          headers: z.object({ Vary: z.string() }),
        },
      },
      problems: ['invalid', 'unavailable'],
      async handle({ query, signal, raw }) {
        const after = query.after === undefined ? undefined : readAfter(query.after, log.partitions);
        const wanted = { waitMs: query.wait * 1_000, events: query.events, signal };
        const first = after ? await longPoll.moved(after, wanted) : await log.heads();
        const headers = { 'cache-control': 'no-store', vary: 'accept' };
        const isListening = query.wait > 0 && raw.accepts(['application/json', NDJSON]) === NDJSON;
        if (!isListening) return { status: 200, headers, body: toBody(first) };
        return {
          status: 200,
          headers: { ...headers, 'content-type': NDJSON },
          stream: (response) => streamHeads(response, first, wanted),
        };
      },
    }),
    route({
      method: 'get',
      path: '/events/{partition}',
      summary: 'A page of events of one partition, in order and without a gap',
      roles: ['service'],
      params: z.object({ partition: wholeNumber({ max: 9_999 }) }),
      query: z.object({
        log: z.string().regex(LOG_NAME, 'must be the name of a log, as GET /events gives it').optional(),
        after: wholeNumber({ max: Number.MAX_SAFE_INTEGER }).default(0),
        limit: wholeNumber({ min: 1, max: MAX_LIMIT }).default(DEFAULT_LIMIT),
      }),
      answers: {
        200: {
          description: `The events after \`after\`. A page is full, and then immutable, with \`limit\` events, or with the event that brings their data to ${FULL_PAGE_BYTES} bytes. Whoever wants more asks again after its last event; only an empty page says that there are none.`,
          schema: z.array(envelope),
          contentType: 'application/cloudevents-batch+json',
          headers: pageHeaders.partial({ ETag: true }),
        },
        304: { description: 'You have this page.', headers: pageHeaders.partial({ ETag: true }) },
      },
      problems: ['invalid', 'not-found', 'conflict', 'unavailable'],
      async handle({ params: { partition }, query: { log: named, after, limit }, preconditions }) {
        if (partition >= log.partitions) {
          throw problem('not-found', `This log has the partitions 0 to ${log.partitions - 1}.`);
        }
        if (named !== undefined && named !== log.name) await requireNamed(log, named);
        const tagOf = (events: number) => `${log.name}/${partition}@${after}+${events}`;
        const { ifMatch, ifNoneMatch: held } = preconditions;
        const isHeld = (value: string) =>
          !ifMatch && held !== undefined && held !== '*' && matchesWeakly(held, { weak: false, value });
        // Only full pages have tags, and a tag says what the page holds, so a client that has this one has the page.
        if (isHeld(tagOf(limit))) return { status: 304, headers: immutable(tagOf(limit)) };
        const page = await log.page(partition, after, limit);
        if (page.length === 0) await requireReached(log, { named, partition, after });
        const tag = named === log.name && isFullPage(page, limit) ? tagOf(page.length) : undefined;
        if (tag && isHeld(tag)) return { status: 304, headers: immutable(tag) };
        return {
          status: 200,
          headers: {
            ...(tag ? immutable(tag) : { 'cache-control': 'private, no-cache' }),
            'content-type': 'application/cloudevents-batch+json',
          },
          body: page,
        };
      },
    }),
  ];
  return { routes, close: longPoll.close };
}

const immutable = (etag: string) => ({
  'cache-control': 'private, max-age=31536000, immutable',
  etag: `"${etag}"`,
});

function readAfter(text: string, partitions: number): Sequences {
  const after = parseAfter(text);
  if (after && [...after.keys()].every((partition) => partition < partitions)) return after;
  const message = `must name each of the partitions 0 to ${partitions - 1} at most once`;
  throw problem('invalid', `\`after\` ${message}.`, { errors: [{ path: 'query.after', message }] });
}

/**
 * Throws source-replaced if the log has another name; returns its heads. It asks the database, because this process's memory
 * may be older than what the client knows from another process.
 */
async function requireNamed(log: EventLog, named: string): Promise<Sequences> {
  const { log: name, last } = await log.heads();
  if (name !== named) throw sourceReplaced(`This is the log ${name}; the log ${named} is no longer here.`);
  return last;
}

/** Throws source-replaced if `after` lies beyond the last event: such a client followed another history. */
async function requireReached(
  log: EventLog,
  { named = log.name, partition, after }: { named: string | undefined; partition: number; after: number },
): Promise<void> {
  const head = (await requireNamed(log, named)).get(partition) ?? 0;
  if (after > head)
    throw sourceReplaced(`Partition ${partition} of ${named} ends at ${head}, below ${after}.`);
}
