import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { fillCatalog } from './fill-catalog.ts';

/** A catalog that answers as a test says, and records the requests. */
let server: Server;
let answers: Record<string, object[]>;
let asked: string[];
let printed: string[];

beforeEach(async () => {
  answers = {
    'GET /products?limit=1': [{ items: [] }],
    'GET /jobs?limit=1000': [{ items: [] }],
    'POST /imports': [{ id: 'j1' }],
  };
  asked = [];
  printed = [];
  server = createServer(async (request, response) => {
    const asking = `${request.method} ${request.url}`;
    asked.push(`${asking} ${await new Response(request as never).text()}`.trim());
    const body = request.headers.authorization === 'Bearer token' && answers[asking]?.shift();
    response.statusCode = body ? 200 : 503;
    response.end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

const fill = () =>
  fillCatalog({
    catalogUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    feedUrl: 'http://feed/products',
    token: async () => 'token',
    print: (line) => printed.push(line),
    signal: new AbortController().signal,
  });

const job = (state: string, more: object = {}) => ({
  kind: 'import',
  state,
  progress: { done: 1000 },
  error: null,
  ...more,
});

test('makes an empty catalog import the feed, and prints the result', async () => {
  answers['GET /jobs/j1'] = [job('active'), job('done')];
  await fill();
  expect(asked).toContain('POST /imports {"url":"http://feed/products"}');
  expect(printed).toEqual([
    expect.stringMatching(/^imports the demo's products, by the job http:\S+\/jobs\/j1$/),
    'imported 1000 products',
  ]);
});

test('leaves a catalog alone that has products or will soon have some', async () => {
  answers['GET /products?limit=1'] = [{ items: [{}] }, { items: [] }, { items: [] }];
  answers['GET /jobs?limit=1000'] = [{ items: [job('queued')] }, { items: [job('done')] }];
  await fill();
  await fill();
  await fill();
  expect(asked.filter((one) => one.startsWith('POST'))).toEqual([]);
  expect(printed).toEqual([]);
});

test('tries again if the last import failed, and prints why it failed again', async () => {
  answers['GET /jobs?limit=1000'] = [{ items: [job('failed'), job('done', { kind: 'put' })] }];
  answers['GET /jobs/j1'] = [job('failed', { error: { detail: 'the feed is away' } })];
  await fill();
  expect(printed[1]).toBe("the demo's products could not be imported: the feed is away");
});

test('prints that a catalog does not answer', async () => {
  answers['GET /products?limit=1'] = [];
  await fill();
  expect(printed).toEqual(["the demo's products could not be imported: /products?limit=1 answered 503"]);
});
