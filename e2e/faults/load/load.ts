/** The load under which faults are made: shoppers, business users, and what they remember. */
import { createDraw } from '@micromart/demo/draws';
import { openHttpClient } from '@micromart/demo/http-client';
import type { LogPosition } from '@micromart/events/position';
import { until } from '@micromart/testing/until';
import { CROWD } from '../figures.ts';
import type { System } from '../system/system.ts';
import { SHOPPING } from './assortment.ts';
import { type Glance, glance } from './glances.ts';
import type { Answer, Attempt, BrokenRead, Change, History } from './history.ts';
import { prefill } from './prefill.ts';
import { createReader, type Reply, read } from './reader.ts';
import { createSender, type Sender } from './sending.ts';
import { shop } from './shopper.ts';

export type Load = {
  inFlight(): number;
  /** Comes back at a moment when so many writes are in flight, with their number. */
  crowded(): Promise<number>;
  /**
   * Comes back when a write that was sent after this moment (of the wall clock) is acknowledged, and every side's
   * tracking has counted it, but for the side that is left out.
   */
  counted(sinceMs: number, leftOut?: number): Promise<void>;
  /** The same for a write in each of most partitions. */
  countedEverywhere(sinceMs: number): Promise<void>;
  /** Lets every request end; gives what was recorded. */
  stop(): Promise<{ history: History; glances: readonly Glance[] }>;
};

const SHOPPERS = 32;
const READERS = 4;
const LOOKERS = 2;
const GLANCE_TIMEOUT_MS = 60_000;
/** Some partitions have no cart that is being filled, for a while. */
const MOST_PARTITIONS = 12;
const CROWD_CAP_MS = 120_000;
const RECOVERY_CAP_MS = 300_000;

export async function startLoad(
  { addresses, issuer }: System,
  {
    seed,
    prefilled,
    viaProxy,
    watchCarts,
    isOver,
  }: {
    seed: string;
    /** Events that are in the log before anything else begins. */
    prefilled: number;
    viaProxy: boolean;
    watchCarts: boolean;
    /** Whether what is waited for may never come, so that nobody is to wait. */
    isOver: () => boolean;
  },
): Promise<Load> {
  const changes: Change[] = [];
  const answers: Answer[] = [];
  const misanswers: string[] = [];
  const broken: BrokenRead[] = [];
  const unanswered: BrokenRead[] = [];
  const openings: Attempt[] = [];
  const carts = new Map<string, string>();
  const glances: Glance[] = [];
  const ending = new AbortController();
  const { signal } = ending;

  const tokens = new Map<string, Promise<string>>();
  const tokenOf = (subject: string) => {
    const token = tokens.get(subject) ?? issuer.token({ subject, roles: ['shopper'], expiresIn: '24h' });
    tokens.set(subject, token);
    return token;
  };
  const sender = createSender(viaProxy ? addresses.shops : addresses.carts);
  const business = `Bearer ${await issuer.token({ subject: 'business', roles: ['business'], expiresIn: '24h' })}`;
  const { trackings, readModels } = addresses;
  // Either all of them show one read model, or each has its own.
  const readers = trackings.map((url, n) => createReader(url, business, readModels.length > 1 ? n : 0));
  const warmUp = await fillOne(sender, await tokenOf('shopper-0'));
  carts.set(warmUp.cartId, 'shopper-0');
  changes.push(warmUp);
  await prefill({
    events: prefilled,
    products: SHOPPING,
    subject: 'shopper-0',
    token: await tokenOf('shopper-0'),
    sender,
    onCart: (cartId, owner) => carts.set(cartId, owner),
    onChange: (change) => changes.push(change),
  });
  const shopping = Array.from({ length: SHOPPERS }, async (_, n) => {
    const subject = `shopper-${n}`;
    const token = await tokenOf(subject);
    await shop({
      subject,
      token,
      products: SHOPPING,
      draw: createDraw(`${seed} ${subject}`),
      sender,
      onOpening: (attempt) => openings.push(attempt),
      onCart: (cartId, owner) => carts.set(cartId, owner),
      onChange: (change) => changes.push(change),
      signal,
    });
  });
  const reading = Array.from({ length: READERS }, (_, n) =>
    read({
      reader: readers[n % readers.length]!,
      products: SHOPPING,
      draw: createDraw(`${seed} reader ${n}`),
      newest: () => sender.newest()?.position,
      onReply: (reply) => {
        if (reply.kind === 'answer') answers.push(reply.answer);
        else if (reply.kind === 'misanswer') misanswers.push(reply.why);
        else if (reply.kind === 'broken') broken.push(reply);
        else unanswered.push(reply);
      },
      signal,
    }),
  );
  const client = openHttpClient(addresses.carts[0]!, { connections: LOOKERS, timeoutMs: GLANCE_TIMEOUT_MS });
  const looking = Array.from({ length: watchCarts ? LOOKERS : 0 }, (_, n) =>
    glance({
      client,
      carts,
      tokenOf,
      draw: createDraw(`${seed} looker ${n}`),
      onGlance: (one) => glances.push(one),
      signal,
    }),
  );
  const running = Promise.all([...shopping, ...reading, ...looking]);

  /** Comes back when every side's tracking, but for the one that is left out, has counted up to there. */
  const countedUpTo = async (positions: readonly LogPosition[], leftOut?: number) => {
    let last: readonly Reply[] = [];
    await until(
      async () => {
        const asked = readers.filter((_, n) => n !== leftOut);
        const question = { productId: SHOPPING[0], tokens: positions };
        last = await Promise.all(asked.map((reader) => reader.ask(question)));
        return isOver() || last.every(({ kind }) => kind === 'answer');
      },
      { capMs: RECOVERY_CAP_MS },
    ).catch(() => {
      const what = `a write was not counted within ${RECOVERY_CAP_MS / 1_000} s after a fault`;
      throw new Error(`${what}; at last a read came to: ${JSON.stringify(last)}`);
    });
  };
  const writtenSince = (sinceMs: number, least: number) =>
    until(
      () => {
        const written = sender.newestEverywhere().filter(({ sentAtMs }) => sentAtMs >= sinceMs);
        return written.length >= least && written.map(({ position }) => position);
      },
      { capMs: RECOVERY_CAP_MS },
    ).catch(() => {
      throw new Error(`no write was acknowledged within ${RECOVERY_CAP_MS / 1_000} s after a fault`);
    });

  return {
    inFlight: sender.inFlight,
    async crowded() {
      await until(() => sender.inFlight() >= CROWD, { capMs: CROWD_CAP_MS });
      return sender.inFlight();
    },
    counted: async (sinceMs, leftOut) => countedUpTo(await writtenSince(sinceMs, 1), leftOut),
    countedEverywhere: async (sinceMs) => countedUpTo(await writtenSince(sinceMs, MOST_PARTITIONS)),
    async stop() {
      ending.abort();
      await running;
      sender.close();
      client.close();
      for (const reader of readers) reader.close();
      return { history: { changes, answers, misanswers, broken, unanswered, openings, carts }, glances };
    },
  };
}

/** Puts each product into a cart, so that the cart's service has asked for it once before any fault. */
async function fillOne(sender: Sender, token: string): Promise<Change> {
  const opened = await sender.send({ method: 'POST', path: '/carts', token });
  const { id: cartId } = JSON.parse(opened.body) as { id: string };
  const items = SHOPPING.map((productId) => ({ productId, quantity: 1 }));
  const { attempt } = await sender.send({
    method: 'POST',
    path: `/carts/${cartId}/items`,
    token,
    body: { items },
  });
  return { cartId, kind: 'add', items, attempts: [attempt] };
}
