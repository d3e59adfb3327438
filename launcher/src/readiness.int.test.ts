import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { askWhatIsMissing, awaitReady } from './readiness.ts';

let server: Server;
let url: string;
let answers: { status: number; body: object }[];
const { signal } = new AbortController();

beforeEach(async () => {
  server = createServer((request, response) => {
    const { status, body } =
      request.url === '/health/live'
        ? { status: 200, body: {} }
        : answers.length > 1
          ? answers.shift()!
          : answers[0]!;
    response.writeHead(status).end(JSON.stringify(body));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterEach(() => {
  server.closeAllConnections();
  server.close();
});

test('waits until a service is ready', async () => {
  answers = [
    { status: 503, body: { ready: false } },
    { status: 200, body: { ready: true } },
  ];
  expect(await awaitReady(url, signal)).toBeUndefined();
});

test('waits until its subscriptions follow, but not for other optional parts', async () => {
  const behind = { ok: false, detail: 'partition 3 is 90000 ms behind' };
  const parts = { 'source of cart-events': { ok: true }, kafka: { ok: false } };
  answers = [
    { status: 200, body: { ready: true, parts: { ...parts, 'subscription cart-events': behind } } },
    { status: 200, body: { ready: true, parts: { ...parts, 'subscription cart-events': { ok: true } } } },
  ];
  expect(await awaitReady(url, signal)).toBeUndefined();
  expect(answers).toHaveLength(1);
  answers = [{ status: 200, body: { ready: true, parts: { 'subscription cart-events': behind } } }];
  expect(await awaitReady(url, signal, { capMs: 0 })).toContain('90000 ms behind');
});

test('returns what a service still lacks when its time is over', async () => {
  answers = [{ status: 503, body: { parts: { store: { ok: false } } } }];
  expect(await awaitReady(url, signal, { capMs: 0 })).toBe('{"parts":{"store":{"ok":false}}}');
});

test('returns what a service lacks, and nothing for one that lacks nothing', async () => {
  const parts = { store: { ok: true }, kafka: { ok: false, detail: 'no broker answers' }, x: { ok: false } };
  answers = [{ status: 200, body: { parts } }];
  expect(await askWhatIsMissing(url, signal)).toBe('kafka: no broker answers; x');
  answers = [{ status: 200, body: { parts: { store: { ok: true } } } }];
  expect(await askWhatIsMissing(url, signal)).toBeUndefined();
});
