import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { expect, test } from '@jest/globals';
import { createSend } from './send.ts';

test('after a timeout, uses no other connection that was idle', async () => {
  const silent = new Set<Socket>();
  let asked = 0;
  let answerBoth = () => {};
  const bothAsked = new Promise<void>((resolve) => {
    answerBoth = resolve;
  });
  const server = createServer(async (request, response) => {
    asked += 1;
    if (silent.has(request.socket)) return;
    // The first two are sent at once, so that there are two connections.
    if (asked === 2) answerBoth();
    await bothAsked;
    response.end('answered');
  });
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const send = createSend({ connections: 2 });
  const ask = (timeoutMs: number) =>
    send({ method: 'GET', url, headers: {} }, { timeoutMs, maxBytes: 1_000 });
  try {
    await Promise.all([ask(10_000), ask(10_000)]);
    for (const socket of sockets) silent.add(socket);
    expect(silent.size).toBe(2);
    await expect(ask(200)).rejects.toThrow('did not answer within 0.2 s');
    expect(String((await ask(10_000)).body)).toBe('answered');
  } finally {
    server.close();
    server.closeAllConnections();
  }
});
