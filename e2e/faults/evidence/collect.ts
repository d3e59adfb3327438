/** Reads what is there in the end, as any client could: the whole log by the feed, the counters, the carts. */
import { cartEvent } from '@micromart/contracts/cart-events';
import { type HttpClient, openHttpClient } from '@micromart/demo/http-client';
import type { LoggedEvent } from '@micromart/events/envelope';
import { formatPosition, type LogPosition } from '@micromart/events/position';
import { until } from '@micromart/testing/until';
import type { Counters } from '../load/history.ts';
import { createReader } from '../load/reader.ts';
import { parseTrace } from '../load/sending.ts';
import type { System } from '../system/system.ts';
import type { CartState, LogEvent } from './evidence.ts';
import { openFeed, readLog } from './log.ts';

const CATCH_UP_CAP_MS = 300_000;
const TIMEOUT_MS = 40_000;
const CARTS_AT_ONCE = 16;
const READ_CAP_MS = 30_000;

export type Collected = {
  readonly log: readonly LogEvent[];
  /** Of each read model. */
  readonly counters: readonly ReadonlyMap<string, Counters>[];
};

/** Waits until each read model includes the whole log, and reads all of them. Nobody may be writing any more. */
export async function collect(system: System): Promise<Collected> {
  const { events, heads } = await readLog(await openFeed(system.issuer, system.addresses.carts[0]!));
  const { readModels } = system.addresses;
  const counters = await Promise.all(readModels.map((url) => readCounters(url, system, heads)));
  return { log: events.flatMap(toLogEvent), counters };
}

function toLogEvent(event: LoggedEvent): LogEvent[] {
  const parsed = cartEvent.parse(event);
  if (parsed.type === 'cart.shopper-forgotten') return [];
  const { cartId, cartVersion: version } = parsed.data;
  const ofCart = {
    partition: parsed.partition,
    sequence: Number(parsed.sequence),
    trace: parseTrace(parsed.traceparent),
    time: parsed.time,
    cartId,
    version,
  };
  if (parsed.type === 'cart.closed') {
    const { reason, startedAt, items } = parsed.data;
    if (!items) throw new Error(`the close of cart ${cartId} says nothing of its lines`);
    const lines = new Map(items.map(({ productId, quantity }) => [productId, quantity]));
    return [{ ...ofCart, kind: 'close', reason, startedAt, lines }];
  }
  const { productId, quantity } = parsed.data;
  return [{ ...ofCart, kind: parsed.type === 'cart.item-added' ? 'add' : 'remove', productId, quantity }];
}

async function readCounters(url: string, { issuer }: System, heads: readonly LogPosition[]) {
  const business = await issuer.token({ subject: 'faults', roles: ['business'] });
  const reader = createReader(url, `Bearer ${business}`);
  const written = heads.filter(({ sequence }) => sequence > 0);
  try {
    const reply = await until(
      async () => {
        const one = await reader.ask({ productId: undefined, tokens: written });
        if (one.kind === 'misanswer') throw new Error(one.why);
        return one.kind === 'answer' && one;
      },
      { capMs: CATCH_UP_CAP_MS },
    ).catch((error) => {
      throw new Error(`the counters did not reach ${formatPosition(written)}: ${error.message}`);
    });
    return reply.answer.counters;
  } finally {
    reader.close();
  }
}

/** The carts as their owners see them. */
export async function readCarts(
  { addresses, issuer }: System,
  carts: ReadonlyMap<string, string>,
): Promise<Map<string, CartState>> {
  const client = openHttpClient(addresses.carts[0]!, { connections: CARTS_AT_ONCE, timeoutMs: TIMEOUT_MS });
  const states = new Map<string, CartState>();
  const waiting = carts.entries();
  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (subject: string) => {
    const known = tokens.get(subject) ?? issuer.token({ subject, roles: ['shopper'] });
    tokens.set(subject, known);
    return known;
  };
  const readNext = async () => {
    // All of them take from the same iterator.
    for (const [cartId, subject] of waiting) {
      const headers = { authorization: `Bearer ${await tokenOf(subject)}` };
      const { status, body } = await readCart(client, cartId, headers);
      if (status === 404) continue;
      const { version, state, items } = JSON.parse(body) as CartBody;
      states.set(cartId, {
        version,
        isClosed: state === 'closed',
        lines: new Map(items.map(({ productId, quantity }) => [productId, quantity])),
      });
    }
  };
  try {
    await Promise.all(Array.from({ length: CARTS_AT_ONCE }, readNext));
  } finally {
    client.close();
  }
  return states;
}

/** The answer for a cart: 200 or 404. A process or a balancer that is not ready yet is asked again. */
const readCart = (client: HttpClient, cartId: string, headers: Readonly<Record<string, string>>) =>
  until(
    async () => {
      const answer = await client.send({ method: 'GET', path: `/carts/${cartId}`, headers });
      if (answer.status === 200 || answer.status === 404) return answer;
      throw new Error(`${answer.status} ${answer.body}`);
    },
    { capMs: READ_CAP_MS },
  ).catch((error) => {
    throw new Error(`cart ${cartId} cannot be read: ${error.message}`);
  });

type CartBody = { version: number; state: string; items: { productId: string; quantity: number }[] };
