import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createSend } from '@micromart/http/client/send';
import { CACHE_LIMITS, type CachingClient, createCachingClient } from './caching-client.ts';
import { silentMeter } from './testing/origin.ts';

const NOW = 'Sun, 01 Nov 2026 09:30:00 GMT';
const SECOND_MS = 1_000;

let server: Server;
let speak: (socket: Socket, request: string) => void;
let url: string;
let nowMs: number;
let client: CachingClient;

beforeEach(async () => {
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (bytes) => speak(socket, bytes.toString('latin1')));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/a`;
  nowMs = Date.parse(NOW);
  client = createCachingClient({
    name: 'test',
    send: createSend({ connections: 4 }),
    meter: silentMeter,
    clock: () => nowMs,
    limits: { ...CACHE_LIMITS, maxAnswerBytes: 10_000, timeoutMs: 500, attempts: 1, pauseMs: 0 },
  });
});
afterEach(async () => {
  server.close();
  await once(server, 'close');
});

const head = (headers: string[], status = '200 OK') =>
  `HTTP/1.1 ${[status, ...headers].join('\r\n')}\r\n\r\n`;

const answerAs =
  (body: string, headers: string[], status?: string) =>
  (socket: Socket): void => {
    socket.end(head([`content-length: ${body.length}`, 'connection: close', ...headers], status) + body);
  };

const pass = (seconds: number) => {
  nowMs += seconds * SECOND_MS;
};

const write = (socket: Socket, text: string) => new Promise((sent) => socket.write(text, sent));

/** Writes the same chunk again and again until the connection closes. */
const endlessly = (beginning: string, again: string) => async (socket: Socket) => {
  await write(socket, beginning);
  while (socket.writable) {
    await write(socket, again);
    await new Promise(setImmediate);
  }
};

describe('an incomplete answer', () => {
  test.each([
    ['ends before its length', 'content-length: 100'],
    ['ends before its last chunk', 'transfer-encoding: chunked'],
  ])('and %s is an error, and not kept', async (_, framing) => {
    speak = (socket) => socket.end(`${head([framing, 'cache-control: max-age=60'])}5\r\nshort`);
    expect(await client.get(url)).toMatchObject({ status: 504, cacheStatus: 'unavailable' });
    expect(client.memory.entries).toBe(0);
  });

  test('does not replace the stored one', async () => {
    speak = answerAs('whole', ['cache-control: max-age=10, stale-if-error=60']);
    await client.get(url);
    pass(11);
    speak = (socket) => socket.end(`${head(['content-length: 100', 'cache-control: max-age=60'])}cut`);
    expect(await client.get(url)).toMatchObject({ text: 'whole', cacheStatus: 'stale' });
  });

  test('that only the end of the connection delimits is returned and not stored', async () => {
    speak = (socket) => socket.end(`${head(['cache-control: max-age=60'])}perhaps cut`);
    expect(await client.get(url)).toMatchObject({
      status: 200,
      text: 'perhaps cut',
      freshForMs: 0,
      usableForMs: 0,
    });
    expect(client.memory.entries).toBe(0);
  });
});

describe('an answer without end', () => {
  test.each([
    ['of headers', endlessly('HTTP/1.1 200 OK\r\n', `x-more: ${'x'.repeat(1_000)}\r\n`)],
    [
      'of body',
      endlessly(
        head(['transfer-encoding: chunked', 'cache-control: max-age=60']),
        `3e8\r\n${'x'.repeat(1_000)}\r\n`,
      ),
    ],
    ['of early hints', endlessly('', 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n')],
  ])('%s is cut off, and not kept', async (_, answer) => {
    speak = (socket) => void answer(socket);
    expect(await client.get(url)).toMatchObject({ status: 504 });
    expect(client.memory).toMatchObject({ entries: 0, bytes: 0 });
  });
});

describe('headers that make no sense', () => {
  test.each([
    ['a date that is none', ['date: yesterday', 'cache-control: max-age=60'], 60],
    ['a date in the future', ['date: Sun, 01 Nov 2099 09:30:00 GMT', 'cache-control: max-age=60'], 60],
    ['a date long past', ['date: Thu, 01 Jan 1970 00:00:00 GMT', 'cache-control: max-age=60'], 0],
    ['an expiry that is none', [`date: ${NOW}`, 'expires: soon'], 0],
    ['an expiry far in the future', [`date: ${NOW}`, 'expires: Sun, 01 Nov 2026 09:31:00 GMT'], 60],
    ['a negative age', ['age: -7200', 'cache-control: max-age=60'], 0],
    ['an age that is no number', ['age: abc', 'cache-control: max-age=60'], 0],
    ['two ages', ['age: 0', 'age: 0', 'cache-control: max-age=60'], 0],
    ['an age beyond all numbers', [`age: ${'9'.repeat(400)}`, 'cache-control: max-age=60'], 0],
    ['a negative lifetime', ['cache-control: max-age=-60'], 0],
    ['a lifetime that is no number', ["cache-control: max-age='60'"], 0],
    ['a lifetime in the quotes of something else', ['cache-control: x="max-age=60", max-age=1'], 1],
    ['quotes that nobody closes', ['cache-control: x="a, max-age=60'], 0],
    ['a thousand commas', [`cache-control: ${','.repeat(1_000)}max-age=60`], 60],
    [
      'the name of a prototype',
      ['__proto__: x', 'constructor: y', 'cache-control: __proto__=1, max-age=60'],
      60,
    ],
  ])('such as %s leave a lifetime of what is sure', async (_, headers, lifetimeS) => {
    speak = answerAs('one', headers);
    const answer = await client.get(url);
    expect(answer).toMatchObject({ status: 200, text: 'one', freshForMs: lifetimeS * SECOND_MS });
    pass(Math.max(0, lifetimeS - 1));
    const again = await client.get(url);
    expect(again.cacheStatus).toBe(lifetimeS > 0 ? 'fresh' : 'fetched');
  });
});

describe('a 304', () => {
  test('to a request that asked for none is an error', async () => {
    speak = answerAs('', ['cache-control: max-age=60', 'etag: "a"'], '304 Not Modified');
    const answer = await client.get(url);
    expect(answer).toMatchObject({ status: 504, cacheStatus: 'unavailable' });
    expect(client.memory.entries).toBe(0);
  });

  test('with another tag renews the stored answer, which keeps its own tag', async () => {
    speak = (socket, request) =>
      request.includes('if-none-match: "a"')
        ? answerAs('', ['etag: "b"', 'cache-control: max-age=10'], '304 Not Modified')(socket)
        : answerAs('one', ['etag: "a"', 'cache-control: max-age=10'])(socket);
    await client.get(url);
    for (let round = 0; round < 3; round += 1) {
      pass(11);
      const renewed = await client.get(url);
      expect(renewed).toMatchObject({ text: 'one', cacheStatus: 'revalidated' });
      expect(renewed.headers.etag).toBe('"a"');
    }
  });

  test('cannot change the headers that describe the body', async () => {
    speak = (socket, request) =>
      request.includes('if-none-match')
        ? answerAs('', ['content-encoding: gzip', 'content-md5: x', 'x-new: yes'], '304 Not Modified')(socket)
        : answerAs('one', ['etag: "a"', 'content-encoding: identity'])(socket);
    await client.get(url);
    const renewed = await client.get(url);
    expect(renewed).toMatchObject({ status: 200, text: 'one' });
    expect(renewed.headers).toMatchObject({
      'content-encoding': 'identity',
      'content-length': '3',
      'x-new': 'yes',
    });
  });
});

test('headers of the connection are not stored', async () => {
  speak = answerAs('one', [
    'cache-control: max-age=60',
    'connection: x-hop',
    'x-hop: 1',
    'keep-alive: timeout=5',
  ]);
  await client.get(url);
  const { headers } = await client.get(url);
  expect(Object.keys(headers).sort()).toEqual(['age', 'cache-control', 'cache-status', 'content-length']);
});

test('a kept-alive connection that the server has closed fails no request', async () => {
  speak = (socket) => {
    socket.write(`${head(['content-length: 3'])}one`);
    speak = (reused) => {
      speak = answerAs('two', []);
      reused.resetAndDestroy();
    };
  };
  expect(await client.get(url)).toMatchObject({ text: 'one' });
  expect(await client.get(url)).toMatchObject({ text: 'two' });
});
