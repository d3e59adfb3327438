import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { createDraw } from '@micromart/demo/draws';
import { freePort } from '@micromart/testing/free-port';
import { until } from '@micromart/testing/until';
import { openBalancer } from './balancer.ts';

const HOST = '127.0.0.1';
const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A process that is ready as long as `ready` says so. */
async function openTarget(name: string, handle?: RequestListener) {
  const state = { ready: true, asked: 0 };
  const server = createServer((request, response) => {
    if (request.url === '/health/ready') return response.writeHead(state.ready ? 200 : 503).end();
    state.asked += 1;
    if (handle) return handle(request, response);
    return request.pipe(response.setHeader('served-by', name));
  });
  server.listen(0, HOST);
  await once(server, 'listening');
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  closers.push(close);
  /** As a process that was told to end: what it has is answered, and no connection is taken. */
  const leave = () => server.close();
  return { url: `http://${HOST}:${(server.address() as AddressInfo).port}`, state, leave, close };
}

async function balance(...urls: string[]) {
  const balancer = await openBalancer(HOST, createDraw('balancer'));
  closers.push(balancer.close);
  for (const url of urls) balancer.add(url);
  return balancer;
}

const post = (url: string, body: string) => fetch(`${url}/any`, { method: 'POST', body });

test('gives each request to one of the processes, by chance, with its body', async () => {
  const targets = await Promise.all(['a', 'b'].map((name) => openTarget(name)));
  const balancer = await balance(...targets.map(({ url }) => url));
  await until(() => targets.every(({ url }) => balancer.serves(url)));
  for (let n = 0; n < 40; n += 1)
    expect(await (await post(balancer.url, `body ${n}`)).text()).toBe(`body ${n}`);
  expect(targets.map(({ state }) => state.asked > 8)).toEqual([true, true]);
});

test('gives nothing to a process that is not ready, and lets it finish what it has', async () => {
  const finish = Promise.withResolvers<void>();
  const slow = await openTarget('slow', async (_, response) => {
    await finish.promise;
    response.end('finished');
  });
  const other = await openTarget('other');
  const balancer = await balance(slow.url);
  await until(() => balancer.serves(slow.url));
  const underWay = post(balancer.url, '');
  await until(() => slow.state.asked === 1);
  slow.state.ready = false;
  balancer.add(other.url);
  await until(() => balancer.serves(other.url) && !balancer.serves(slow.url));
  for (let n = 0; n < 20; n += 1)
    expect((await post(balancer.url, '')).headers.get('served-by')).toBe('other');
  finish.resolve();
  expect(await (await underWay).text()).toBe('finished');
});

test('lets a process finish that takes no new connections', async () => {
  const finish = Promise.withResolvers<void>();
  const slow = await openTarget('slow', async (_, response) => {
    await finish.promise;
    response.end('finished');
  });
  const balancer = await balance(slow.url);
  await until(() => balancer.serves(slow.url));
  const underWay = post(balancer.url, '');
  await until(() => slow.state.asked === 1);
  slow.leave();
  await until(() => !balancer.serves(slow.url));
  finish.resolve();
  expect(await (await underWay).text()).toBe('finished');
});

test('asks another process where one refuses the connection, and with the whole body', async () => {
  const dead = `http://${HOST}:${await freePort()}`;
  const target = await openTarget('a');
  const balancer = await balance(dead, target.url);
  const bodies = Array.from({ length: 20 }, (_, n) => `${n}`.repeat(100_000));
  const answers = await Promise.all(bodies.map(async (body) => (await post(balancer.url, body)).text()));
  expect(answers).toEqual(bodies);
});

test('repeats nothing that may have been carried out', async () => {
  const targets = await Promise.all(
    ['a', 'b'].map((name) => openTarget(name, (request) => request.socket.destroy())),
  );
  const balancer = await balance(...targets.map(({ url }) => url));
  await expect(post(balancer.url, 'once')).rejects.toThrow();
  expect(targets.reduce((sum, { state }) => sum + state.asked, 0)).toBe(1);
});

test('passes on each part of an answer as it comes', async () => {
  const next = Promise.withResolvers<void>();
  const target = await openTarget('a', async (_, response) => {
    response.write('first');
    await next.promise;
    response.end('second');
  });
  const balancer = await balance(target.url);
  const { body } = await post(balancer.url, '');
  const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader.read()).value).toBe('first');
  next.resolve();
  expect((await reader.read()).value).toBe('second');
});
