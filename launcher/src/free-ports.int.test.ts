import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterEach, expect, test } from '@jest/globals';
import { areFree, findFreePortBase, requireFreePorts } from './free-ports.ts';
import { PORT_OFFSETS, POSTGRES_PORT_OFFSET } from './system.ts';
import { freePortBase } from './testing/free-port-base.ts';

const HOST = '127.0.0.1';
const servers: Server[] = [];

afterEach(async () => {
  const closed = servers.splice(0).map((server) => once(server.close(), 'close'));
  await Promise.all(closed);
});

const take = async (port: number) => {
  const server = createServer().listen(port, HOST);
  await once(server, 'listening');
  servers.push(server);
};

const refusal = (port: number): Promise<string> =>
  requireFreePorts(HOST, [{ name: 'a service', port }]).then(
    () => 'is free',
    ({ message }) => message,
  );

const advised = (message: string): number =>
  Number(
    /^port \d+, for a service, is taken; choose others by PORT_BASE, such as PORT_BASE=(\d+)$/.exec(
      message,
    )?.[1],
  );

test('a taken port gets the advice of a PORT_BASE with only free ports', async () => {
  const port = await freePortBase();
  await take(port);
  const first = advised(await refusal(port));
  expect(
    await areFree(
      HOST,
      PORT_OFFSETS.map((offset) => first + offset),
    ),
  ).toBe(true);

  // To advise another one, it is enough to take one port of the advised ones.
  await take(first + POSTGRES_PORT_OFFSET);
  const second = advised(await refusal(port));
  expect(second).not.toBe(first);
  expect(
    await areFree(
      HOST,
      PORT_OFFSETS.map((offset) => second + offset),
    ),
  ).toBe(true);
});

test.each([1, 4_004, 64_999, 65_535])('a PORT_BASE advised for port %d is valid', async (port) => {
  const base = await findFreePortBase(HOST, port);
  expect(base).toBeGreaterThan(0);
  expect(base! + Math.max(...PORT_OFFSETS)).toBeLessThanOrEqual(65_535);
});

test('advises nothing if nothing is free', async () => {
  expect(await findFreePortBase('192.0.2.1', 4_001)).toBeUndefined();
  await expect(requireFreePorts('192.0.2.1', [{ name: 'a service', port: 4_001 }])).rejects.toThrow(
    'a service cannot listen on port 4001 of 192.0.2.1 (EADDRNOTAVAIL); is HOST an address of this machine?',
  );
});
