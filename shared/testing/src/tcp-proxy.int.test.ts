import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { until } from './until.ts';

/** A server that stores what it receives and sends it back. */
let server: Server;
let heard: string;
let proxy: TcpProxy;
let client: Socket;

beforeEach(async () => {
  heard = '';
  server = createServer((socket) => {
    socket.on('error', () => {});
    socket.on('data', (chunk) => {
      heard += chunk;
      socket.write(chunk);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  proxy = await openTcpProxy({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });
  client = open();
});

afterEach(async () => {
  client.destroy();
  await proxy.close();
  server.close();
});

const open = () => {
  const socket = connect(proxy.port, '127.0.0.1');
  socket.on('error', () => {});
  return socket;
};

const answerTo = async (text: string): Promise<string> => {
  client.write(text);
  const [chunk] = await once(client, 'data');
  return String(chunk);
};

test('passes on what either side sends, and its end', async () => {
  expect(await answerTo('hello')).toBe('hello');
  client.end();
  await once(client, 'close');
});

test('lets the request arrive and cuts the reply', async () => {
  await answerTo('before');
  proxy.cutReplies();
  client.write(' commit');
  await once(client, 'close');
  expect(heard).toBe('before commit');
  expect(client.bytesRead).toBe('before'.length);
});

test('cuts all connections until it is restored', async () => {
  await answerTo('before');
  proxy.cutAll();
  await once(client, 'close');
  client = open();
  await once(client, 'close');
  proxy.restore();
  client = open();
  expect(await answerTo('after')).toBe('after');
});

test('holds everything back while paused and delivers it after', async () => {
  await answerTo('before');
  proxy.pause();
  client.write(' and after');
  await new Promise((done) => setImmediate(done));
  expect(heard).toBe('before');
  proxy.resume();
  await until(() => heard === 'before and after');
});

test('carries more than its buffers hold', async () => {
  const size = 8_000_000;
  client.write(Buffer.alloc(size));
  client.resume();
  await until(() => client.bytesRead === size);
});

test('makes existing connections silent and passes on new ones', async () => {
  await answerTo('before');
  proxy.abandon();
  client.write(' lost');
  const silent = client;
  client = open();
  expect(await answerTo(' after')).toBe(' after');
  expect(heard).toBe('before after');
  expect(silent.closed).toBe(false);
  silent.destroy();
});
