/** For tests: a feed over HTTP that sends whatever a test's source holds, valid or not, in one of its forms. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseAfter, type Sequences } from '@micromart/events/position';
import type { TestSource } from './source.ts';

/** How events come: in pages alone, with the heads in one answer each, or with the heads line by line. */
export type FeedForm = 'pages' | 'heads' | 'lines';

export type RawFeed = {
  readonly url: string;
  close(): Promise<void>;
};

const POLL_MS = 5;
const JSON_LINES = 'application/x-ndjson';

/** `behind`: by how many events the heads in an answer lie below the events that come with them. */
export async function openRawFeed(source: TestSource, form: FeedForm, { behind = 0 } = {}): Promise<RawFeed> {
  const lastOf = (list: readonly unknown[]) => Math.max(0, list.length - behind);

  const headsAfter = (after: Sequences, limit: number) => ({
    log: source.log,
    at: new Date().toISOString(),
    partitions: source.events.map((list, partition) => ({ partition, last: lastOf(list) })),
    ...(form !== 'pages' &&
      limit > 0 && {
        events: source.events.flatMap((list, partition) => list.slice(after.get(partition) ?? 0)),
      }),
  });
  const hasMoved = (after: Sequences) =>
    source.events.some((list, partition) => lastOf(list) > (after.get(partition) ?? 0));

  async function moved(after: Sequences, untilMs: number, isOpen: () => boolean): Promise<void> {
    while (after.size > 0 && !hasMoved(after) && performance.now() < untilMs && isOpen())
      await sleep(POLL_MS);
  }

  async function answerHeads(query: URLSearchParams, response: ServerResponse): Promise<void> {
    const isOpen = () => !response.destroyed;
    const [waitMs, limit] = [Number(query.get('wait')) * 1_000, Number(query.get('events'))];
    let after = parseAfter(query.get('after') ?? '') ?? new Map();
    if (form === 'lines') response.setHeader('content-type', JSON_LINES);
    do {
      await moved(after, performance.now() + waitMs, isOpen);
      const heads = headsAfter(after, limit);
      response.write(`${JSON.stringify(heads)}\n`);
      after = new Map(heads.partitions.map(({ partition, last }) => [partition, last]));
    } while (form === 'lines' && waitMs > 0 && isOpen());
    response.end();
  }

  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url!, 'http://feed');
    const [, , partition] = pathname.split('/');
    if (partition === undefined) return void answerHeads(searchParams, response);
    const [after, limit] = [Number(searchParams.get('after')), Number(searchParams.get('limit'))];
    response.end(JSON.stringify(source.events[Number(partition)]!.slice(after, after + limit)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`,
    async close() {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}
