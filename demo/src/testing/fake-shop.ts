import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDraw } from '../draws.ts';
import { type Counters, NO_COUNTS, type Tally } from '../expected.ts';
import type { CloseReason } from '../plan.ts';

/**
 * Cart, catalog and shopper tracking in one process and in memory, as far as the demo needs them: a fake for its tests. With
 * `faultsIn` it answers about one in so many writes badly, by seed; in half of these cases after making the change.
 */
export type FakeShop = {
  readonly url: string;
  /** The feeds that were imported, complete. */
  readonly imported: readonly Buffer[];
  readonly faults: () => number;
  /** How many carts were closed for each reason. */
  readonly closes: () => Readonly<Record<CloseReason, number>>;
  close(): Promise<void>;
};

type Answer = { status: number; headers?: Record<string, string>; body?: unknown };
type Change = { productId: string; units: number; added: boolean };

const PARTITIONS = 4;
const MAX_SHOWN = 2;

export async function openFakeShop({
  faultsIn,
  loses = () => false,
  importEnds = { state: 'done', result: { applied: 2, unchanged: 0 }, rejected: 0, error: null },
}: {
  faultsIn?: number;
  /** How an import ends. */
  importEnds?: object;
  /** Changes that shopper tracking does not count. */
  loses?: (change: Change, event: number) => boolean;
} = {}): Promise<FakeShop> {
  const draw = createDraw('faults');
  const carts = new Map<string, Map<string, number>>();
  const answers = new Map<string, Answer>();
  const counters: Tally = new Map();
  const imported: Buffer[] = [];
  const sequences = new Array<number>(PARTITIONS).fill(0);
  let events = 0;
  let faults = 0;
  let waits = 0;
  const closes = { bought: 0, abandoned: 0 };

  const append = (cartId: string, change?: Change): string => {
    const partition = Number(cartId) % PARTITIONS;
    const sequence = ++sequences[partition]!;
    events++;
    if (change && !loses(change, events)) countChange(counters, change);
    return `cart-fake/${partition}@${sequence}`;
  };

  const setLine = (cartId: string, productId: string, units: number): Answer => {
    const lines = carts.get(cartId)!;
    const had = lines.get(productId) ?? 0;
    lines.set(productId, units);
    const change = { productId, units: Math.abs(units - had), added: units > had };
    return { status: 200, headers: { position: append(cartId, change) }, body: { id: cartId } };
  };

  const write = (method: string, url: URL, body: Record<string, unknown>): Answer => {
    const [, , cartId = '', part = '', productId = ''] = url.pathname.split('/');
    if (cartId === '') {
      const id = String(carts.size + 1);
      carts.set(id, new Map());
      return { status: 201, headers: { location: `/carts/${id}` }, body: { id } };
    }
    const lines = carts.get(cartId);
    if (!lines) return { status: 404 };
    const had = lines.get(productId) ?? 0;
    if (part === 'close') {
      closes[body.reason as CloseReason] += 1;
      carts.delete(cartId);
      carts.set(`${cartId} closed`, lines);
      return { status: 200, headers: { position: append(cartId) } };
    }
    if (method === 'PUT') return setLine(cartId, productId, body.quantity as number);
    if (method === 'DELETE') {
      const units = Number(url.searchParams.get('quantity') ?? had);
      return units > 0 && units <= had ? setLine(cartId, productId, had - units) : { status: 422 };
    }
    const [item] = body.items as { productId: string; quantity: number }[];
    return setLine(cartId, item!.productId, (lines.get(item!.productId) ?? 0) + item!.quantity);
  };

  /** Repeats the answer to a known key, as the cart does. */
  const writeOnce = (request: IncomingMessage, url: URL, body: Record<string, unknown>): Answer => {
    const key = `${request.headers.authorization} ${request.headers['idempotency-key']}`;
    const answer = answers.get(key) ?? write(request.method!, url, body);
    if (answer.status < 300) answers.set(key, answer);
    return answer;
  };

  const read = (url: URL, consistentWith: string | undefined): Answer => {
    if (url.pathname === '/health/live') return { status: 200 };
    if (url.pathname === '/jobs/1') return { status: 200, body: { progress: { done: 2 }, ...importEnds } };
    if (url.pathname === '/events') {
      const partitions = sequences.map((last, partition) => ({ partition, last }));
      return { status: 200, body: { log: 'cart-fake', partitions } };
    }
    if (consistentWith && waits++ % 3 === 0)
      return {
        status: 503,
        headers: { 'retry-after': '0' },
        body: { type: '/problems/not-yet-consistent', detail: '12 events behind' },
      };
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const all = [...counters].map(([productId, one]) => ({ productId, ...one }));
    const next = from + MAX_SHOWN < all.length ? String(from + MAX_SHOWN) : null;
    return { status: 200, body: { items: all.slice(from, from + MAX_SHOWN), next } };
  };

  const server = createServer(async (request, response) => {
    const url = new URL(request.url!, 'http://fake');
    const text = (await request.toArray()).join('');
    if (request.method === 'GET') {
      reply(response, read(url, request.headers['consistent-with'] as string | undefined));
      return;
    }
    const body = text === '' ? {} : JSON.parse(text);
    if (url.pathname === '/imports') {
      imported.push(Buffer.from(await (await fetch(body.url)).arrayBuffer()));
      reply(response, { status: 202, headers: { location: '/jobs/1' } });
      return;
    }
    if (!faultsIn || draw(faultsIn) > 0) {
      reply(response, writeOnce(request, url, body));
      return;
    }
    faults++;
    const status = [0, 409, 429, 503][draw(4)]!;
    if (draw(2) === 0) writeOnce(request, url, body);
    if (status === 0) request.socket.destroy();
    else reply(response, { status, headers: { 'retry-after': '0' }, body: { title: 'a fault' } });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    imported,
    faults: () => faults,
    closes: () => closes,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(response: ServerResponse, { status, headers = {}, body }: Answer): void {
  response.writeHead(status, headers).end(body === undefined ? undefined : JSON.stringify(body));
}

function countChange(counters: Tally, { productId, units, added }: Change): void {
  const was: Counters = counters.get(productId) ?? NO_COUNTS;
  counters.set(productId, {
    ...was,
    added: was.added + (added ? 1 : 0),
    removed: was.removed + (added ? 0 : 1),
    unitsAdded: was.unitsAdded + (added ? units : 0),
    unitsRemoved: was.unitsRemoved + (added ? 0 : units),
  });
}
