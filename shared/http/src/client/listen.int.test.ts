import { once } from 'node:events';
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createListen, NDJSON } from './listen.ts';

let server: Server;
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

async function serve(listener: RequestListener): Promise<string> {
  server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const LIMITS = { silenceMs: 20_000, maxLength: 1_000, signal: new AbortController().signal };
const listenTo = (url: string, limits: Partial<typeof LIMITS> = {}) =>
  createListen({ connections: 1 })({ method: 'GET', url, headers: {} }, { ...LIMITS, ...limits });
const inLines: RequestListener = (_, response) => response.writeHead(200, { 'content-type': NDJSON });

test('yields a document for each line as soon as it is complete, however the bytes were split', async () => {
  let sendRest = () => {};
  const url = await serve((request, response) => {
    inLines(request, response);
    response.write('{"n":1}\n{"n":');
    sendRest = () => {
      const [first, second] = [Buffer.from('"ü"}\n').subarray(0, 2), Buffer.from('"ü"}\n').subarray(2)];
      response.write(first);
      setImmediate(() => response.end(second));
    };
  });
  const texts: string[] = [];
  for await (const { status, text } of listenTo(url)) {
    expect(status).toBe(200);
    texts.push(text);
    if (texts.length === 1) sendRest();
  }
  expect(texts).toEqual(['{"n":1}', '{"n":"ü"}']);
});

test('yields an answer of another type as one document, with its status and type', async () => {
  const url = await serve((_, response) => {
    response.writeHead(404, { 'content-type': 'application/problem+json' }).end('{\n"status": 404\n}\n');
  });
  const listening = listenTo(url);
  expect((await listening.next()).value).toEqual({
    status: 404,
    contentType: 'application/problem+json',
    text: '{\n"status": 404\n}\n',
  });
  expect((await listening.next()).done).toBe(true);
});

test('throws when an answer breaks off', async () => {
  const url = await serve((request, response) => {
    inLines(request, response);
    response.write('{"n":1}\n', () => response.destroy());
  });
  const texts: string[] = [];
  const reading = (async () => {
    for await (const { text } of listenTo(url)) texts.push(text);
  })();
  await expect(reading).rejects.toThrow(/aborted|ECONNRESET|hang up/);
  expect(texts).toEqual(['{"n":1}']);
});

test('throws after too long a silence, at first or later', async () => {
  const mute = listenTo(await serve(() => {}), { silenceMs: 100 });
  await expect(mute.next()).rejects.toThrow('said nothing for 0.1 s');
  server.closeAllConnections();
  server.close();
  const url = await serve((request, response) => {
    inLines(request, response);
    response.write('{"n":1}\n');
  });
  // The first line has to come within that, on a busy machine too.
  const muted = listenTo(url, { silenceMs: 2_000 });
  expect((await muted.next()).value).toMatchObject({ text: '{"n":1}' });
  await expect(muted.next()).rejects.toThrow('said nothing for 2 s');
});

test('throws when a document exceeds its limit', async () => {
  const url = await serve((request, response) => {
    inLines(request, response);
    response.write('x'.repeat(1_001));
  });
  await expect(listenTo(url).next()).rejects.toThrow('more than 1000 characters');
});

test('throws the reason when its signal aborts, and frees the connection when its reader leaves', async () => {
  const url = await serve((request, response) => {
    inLines(request, response);
    response.write('{"n":1}\n');
  });
  const stop = new AbortController();
  const listening = listenTo(url, { signal: stop.signal });
  await listening.next();
  stop.abort(new Error('enough'));
  await expect(listening.next()).rejects.toThrow('enough');

  const gone = once(server, 'connection').then(([socket]) => once(socket, 'close'));
  for await (const _ of listenTo(url)) break;
  await gone;
});
