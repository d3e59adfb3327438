import { areFree } from '../free-ports.ts';
import { MAX_PORT_OFFSET, PORT_OFFSETS } from '../system.ts';

const ATTEMPTS = 20;
/** Below the ports of outgoing connections, one of which could take a port between its check and its use. */
const LOWEST = 10_000;
const HIGHEST = 32_000 - MAX_PORT_OFFSET;

/** A PORT_BASE for which every port that the system may take is free now. */
export async function freePortBase(): Promise<number> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const ports = PORT_OFFSETS.map((offset) => base + offset);
    if (await areFree('127.0.0.1', ports)) return base;
  }
  throw new Error(`found no free ports in ${ATTEMPTS} attempts`);
}
