import { formatPosition } from '@micromart/events/position';
import type { HttpClient } from './http-client.ts';
import { ask } from './retry.ts';
import type { Authorize } from './tokens.ts';
import { classifyRead } from './verdict.ts';

/** The end of the cart's log: as a value of `Consistent-With` (none while the log is empty), and in events. */
export type Heads = { readonly position: string | undefined; readonly events: number };

const CAP_MS = 60_000;

/** Requests the end of the cart's log. */
export async function readHeads(cart: HttpClient, authorize: Authorize): Promise<Heads> {
  const authorization = await authorize('demo', 'service');
  const { body } = await ask({
    name: 'GET /events of the cart',
    send: () => cart.send({ method: 'GET', path: '/events', headers: { authorization } }),
    classify: classifyRead,
    capMs: CAP_MS,
  });
  const { log, partitions } = JSON.parse(body) as {
    log: string;
    partitions: { partition: number; last: number }[];
  };
  const places = partitions
    .filter(({ last }) => last > 0)
    .map(({ partition, last }) => ({ log, partition, sequence: last }));
  return {
    position: places.length > 0 ? formatPosition(places) : undefined,
    events: places.reduce((sum, { sequence }) => sum + sequence, 0),
  };
}
