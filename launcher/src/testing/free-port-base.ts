import { freePort } from '@micromart/shared/testing/free-port';
import { requireFreePorts } from '../free-ports.ts';
import { MAX_PORT_OFFSET, POSTGRES_PORT_OFFSET, SYSTEM } from '../system.ts';

const ATTEMPTS = 20;
const MAX_PORT = 65_535;

/** A PORT_BASE above which every port that the system takes is free now. */
export async function freePortBase(): Promise<number> {
  const offsets = [...SYSTEM.map(({ portOffset }) => portOffset), POSTGRES_PORT_OFFSET];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = Math.min(await freePort(), MAX_PORT - MAX_PORT_OFFSET);
    const users = offsets.map((offset) => ({ name: 'a test', port: base + offset }));
    const free = await requireFreePorts('127.0.0.1', users).then(
      () => true,
      () => false,
    );
    if (free) return base;
  }
  throw new Error(`found no free ports in ${ATTEMPTS} attempts`);
}
