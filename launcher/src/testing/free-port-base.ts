import { once } from 'node:events';
import { createServer } from 'node:net';
import { areFree } from '../free-ports.ts';
import { MAX_PORT_OFFSET, PORT_OFFSETS } from '../system.ts';

const ATTEMPTS = 20;
/** Below the ports of outgoing connections, one of which could take a port between its check and its use. */
const LOWEST = 10_000;
const HIGHEST = 32_000;
/** A system's ports, and one beyond them that says whose they are. */
const RANGE = MAX_PORT_OFFSET + 2;

/**
 * A PORT_BASE for which every port that the system may take is free. It belongs to this process until it ends, also while
 * nothing of the system runs: other suites run at the same time, and a system that is started again must find its ports.
 */
export async function freePortBase(): Promise<number> {
  const ranges = Math.floor((HIGHEST - LOWEST) / RANGE);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = LOWEST + RANGE * Math.floor(Math.random() * ranges);
    const ports = PORT_OFFSETS.map((offset) => base + offset);
    if ((await holds(base + RANGE - 1)) && (await areFree('127.0.0.1', ports))) return base;
  }
  throw new Error(`found no free ports in ${ATTEMPTS} attempts`);
}

/** Listens on a port until the process ends; gives whether that was free. */
async function holds(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1').unref();
  try {
    await once(server, 'listening');
    return true;
  } catch {
    return false;
  }
}
