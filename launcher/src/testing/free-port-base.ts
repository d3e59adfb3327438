import { requireFreePorts } from '../free-ports.ts';
import { kafkaPorts, MAX_PORT_OFFSET, MONGODB_PORT_OFFSET, POSTGRES_PORT_OFFSET, SYSTEM } from '../system.ts';

const ATTEMPTS = 20;
/** Below what systems give to outgoing connections, which would take a port between its being found and its use. */
const LOWEST = 10_000;
const HIGHEST = 32_000 - MAX_PORT_OFFSET;

/** A PORT_BASE above which every port that the system may take is free now. */
export async function freePortBase(): Promise<number> {
  const kafka = kafkaPorts(0, 3).flatMap(({ broker, controller }) => [broker, controller]);
  const services = SYSTEM.map(({ portOffset }) => portOffset);
  const offsets = [...services, MONGODB_PORT_OFFSET, POSTGRES_PORT_OFFSET, ...kafka];
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const base = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    const users = offsets.map((offset) => ({ name: 'a test', port: base + offset }));
    const free = await requireFreePorts('127.0.0.1', users).then(
      () => true,
      () => false,
    );
    if (free) return base;
  }
  throw new Error(`found no free ports in ${ATTEMPTS} attempts`);
}
