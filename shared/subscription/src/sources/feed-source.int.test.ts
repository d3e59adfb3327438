import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import type { EventLog } from '@micromart/event-log/event-log';
import { feedRoutes } from '@micromart/event-log/feed-routes';
import { createApp } from '@micromart/http/app';
import { createAuthentication } from '@micromart/http/authentication/authentication';
import { createMetrics } from '@micromart/http/metrics';
import { type RunningServer, startServer } from '@micromart/http/server/server';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { until } from '@micromart/testing/until';
import { openTestFollower, testLogger } from '../testing/follower.ts';
import { createTestSource, type TestSource } from '../testing/source.ts';
import { headsNow, SourceReplaced } from './event-source.ts';
import { createFeedSource } from './feed-source.ts';

const PARTITIONS = 3;
let issuer: TestIssuer;
let source: TestSource;
let server: RunningServer;
let closeFeed: () => void;
let token: () => Promise<string>;
let asked = 0;
const never = new AbortController().signal;

beforeAll(async () => {
  issuer = await openTestIssuer();
  token = () => {
    asked += 1;
    return issuer.token({ subject: 'tracking', roles: ['service'] });
  };
  source = createTestSource({ partitions: PARTITIONS, log: 'test-1' });
  const feed = feedRoutes(asLog(source));
  closeFeed = feed.close;
  const app = createApp({
    name: 'test',
    logger: testLogger,
    metrics: createMetrics('test'),
    authenticate: createAuthentication(issuer),
    routes: feed.routes,
    checks: [],
    ratePerSecond: 1_000,
    readsPerSecond: 100_000,
    metricsOpen: false,
  });
  server = await startServer(app, { host: '127.0.0.1', port: 0, logger: testLogger });
});
afterAll(async () => {
  await server.close();
  closeFeed();
  await issuer.close();
});

/** The test source as the owner's log, from which the feed is made. */
const asLog = (source: TestSource): EventLog => ({
  name: source.log,
  partitions: PARTITIONS,
  heads: () => headsNow(source, never),
  eventsAfter: async (after, limit) =>
    [...after].flatMap(([partition, from]) => source.events[partition]!.slice(from, from + limit)),
  page: async (partition, after, limit) => source.events[partition]!.slice(after, after + limit),
  onAppended: () => () => {},
});

const openFeed = (url = `${server.url}/events`) => createFeedSource({ url, token: () => token() });
const watch = (after: [number, number][], waitS = 0, signal = never, events = 0, url?: string) =>
  openFeed(url).watch({ after: new Map(after), waitS, events, signal });
const heads = async (...asked: Parameters<typeof watch>) => {
  for await (const heads of watch(...asked)) return heads;
  throw new Error('no heads came');
};
const page = (request: { log?: string; partition?: number; after?: number; limit?: number }, url?: string) =>
  openFeed(url).page({ log: 'test-1', partition: 0, after: 0, limit: 100, signal: never, ...request });

describe("the owner's feed", () => {
  test('gives its heads, at once or when there are more events', async () => {
    source.append(0, 'a');
    const before = new Date();
    const first = await heads([]);
    expect(first).toEqual({
      log: 'test-1',
      at: expect.any(Date),
      last: new Map([
        [0, 1],
        [1, 0],
        [2, 0],
      ]),
    });
    expect(Math.abs(first.at.getTime() - before.getTime())).toBeLessThan(60_000);
    const waiting = heads([...first.last], 20);
    source.append(1, 'b');
    expect((await waiting).last.get(1)).toBe(1);
  });

  test('brings the first events along with its heads when asked to', async () => {
    const { last } = await heads([]);
    const event = source.append(1, 'latest');
    expect((await heads([...last], 20, never, 10)).events).toEqual([event]);
    expect((await heads([...last], 20)).events).toBeUndefined();
  });

  test('streams further heads in the same answer', async () => {
    const { last } = await heads([]);
    const askedBefore = asked;
    const keys: string[] = [];
    source.append(0, 'one');
    for await (const { events } of watch([...last], 20, never, 10)) {
      keys.push(...events!.map(({ partitionkey }) => partitionkey));
      if (keys.length === 3) break;
      source.append(1, keys.length === 1 ? 'two' : 'three');
    }
    expect(keys).toEqual(['one', 'two', 'three']);
    expect(asked).toBe(askedBefore + 1);
  });

  test('gives pages of its log', async () => {
    const event = source.append(2, 'ключ', { text: 'x\0y' });
    expect(await page({ partition: 2 })).toEqual([event]);
    expect(await page({ partition: 2, after: 1 })).toEqual([]);
  });

  test.each([
    ['another log is asked for', { log: 'test-2' }],
    ['it ends before what is asked for', { after: 1_000 }],
  ])('says that the source was replaced when %s', async (_, request) => {
    await expect(page(request)).rejects.toThrow(SourceReplaced);
  });

  test('is followed to its end, and beyond as it grows', async () => {
    const follower = await openTestFollower();
    for (let i = 0; i < 500; i += 1) source.append(i % PARTITIONS, `key-${i % 9}`);
    follower.start({ source: openFeed(), limits: { pageEvents: 50, headWaitS: 1 } });
    const total = () => source.events.reduce((sum, list) => sum + list.length, 0);
    await until(async () => (await follower.applied()).length === total());
    source.append(0, 'a');
    await until(async () => (await follower.applied()).length === total());
    expect(await follower.positions('test')).toEqual({ ...source.events.map((list) => list.length) });
    await follower.close();
  });
});

describe("an owner's process that knows the log by another name than its database", () => {
  test('asks its database before it says that the log is another', async () => {
    const log = asLog(source);
    const other = { ...(await log.heads()), log: 'test-9' };
    const { routes, close } = feedRoutes({ ...log, heads: async () => other });
    const pageOf = (named: string) =>
      routes
        .find(({ path }) => path === '/events/{partition}')!
        .handle({
          params: { partition: 0 },
          query: { log: named, after: 0, limit: 10 },
          preconditions: {},
        } as never);
    expect(await pageOf('test-9')).toMatchObject({ status: 200 });
    await expect(async () => pageOf('test-5')).rejects.toMatchObject({ extras: { type: 'source-replaced' } });
    close();
  });
});

describe('an error', () => {
  let broken: Server | undefined;
  afterEach(() => {
    broken?.closeAllConnections();
    broken?.close();
  });
  const serve = async (answer: (response: import('node:http').ServerResponse) => void) => {
    broken = createServer((_, response) => answer(response));
    await new Promise<void>((resolve) => broken!.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(broken.address() as AddressInfo).port}/events`;
  };

  test('is none when an owner gives its heads once and ends the answer', async () => {
    const answer = { log: 'test-1', at: new Date().toISOString(), partitions: [{ partition: 0, last: 7 }] };
    const url = await serve((response) => response.end(JSON.stringify(answer)));
    const heads: (number | undefined)[] = [];
    for await (const { last } of watch([[0, 5]], 20, never, 0, url)) heads.push(last.get(0));
    expect(heads).toEqual([7]);
  });

  test('names the address and what it answered', async () => {
    const owned = token;
    token = async () => 'nonsense';
    await expect(page({})).rejects.toThrow(/\/events\/0\?log=test-1.* answered 401/);
    token = owned;
    await expect(page({ partition: 99 })).rejects.toThrow(/answered 404/);
  });

  test.each([
    ['is no JSON', '<html>'],
    ['is no list of events', '{"items":[]}'],
    ['has an event without a position', '[{"specversion":"1.0"}]'],
  ])('says that the answer %s', async (_, body) => {
    const url = await serve((response) => response.end(body));
    await expect(page({}, url)).rejects.toThrow(url);
  });

  const problem = (type: string) => JSON.stringify({ type, title: 'Conflict', status: 409, detail: 'gone' });
  test.each([
    ['a page of HTML', 'text/html', '<h1>409 Conflict</h1>'],
    ['no text', 'application/problem+json', ''],
    ['a problem of another type', 'application/problem+json', problem('/problems/conflict')],
    ['a problem without a type', 'application/problem+json', '{"status":409}'],
    ['no problem document', 'application/json', problem('/problems/source-replaced')],
  ])('is an ordinary one when a proxy answers 409 with %s', async (_, contentType, body) => {
    const url = await serve((response) => response.writeHead(409, { 'content-type': contentType }).end(body));
    for (const ask of [() => page({}, url), () => heads([[0, 5]], 20, never, 0, url)]) {
      const error = await ask().catch((error) => error);
      expect(error).not.toBeInstanceOf(SourceReplaced);
      expect(error.message).toContain('answered 409');
    }
  });

  test("is SourceReplaced only for the owner's own problem, whatever base its type was resolved against", async () => {
    for (const type of ['/problems/source-replaced', 'https://cart.example/problems/source-replaced']) {
      const contentType = 'application/problem+json; charset=utf-8';
      const url = await serve((response) =>
        response.writeHead(409, { 'content-type': contentType }).end(problem(type)),
      );
      await expect(page({}, url)).rejects.toThrow(new SourceReplaced('gone'));
      broken!.close();
    }
  });

  test('says that nobody answers, and where', async () => {
    await expect(page({}, 'http://127.0.0.1:1/events')).rejects.toThrow(/127\.0\.0\.1:1\/events\/0.*/);
  });

  test('follows no redirect with its token', async () => {
    const url = await serve((response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end());
    await expect(page({}, url)).rejects.toThrow(/answered 302/);
  });

  test('ends an open request at once when it is aborted', async () => {
    const stop = new AbortController();
    const waiting = heads([[0, 1_000_000]], 30, stop.signal);
    stop.abort();
    await expect(waiting).rejects.toThrow(/abort/);
  });
});
