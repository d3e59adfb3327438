/** The load under which faults are made: shoppers, business users, and what they remember. */
import { createDraw } from '@micromart/demo/draws';
import { until } from '@micromart/shared/testing/until';
import { CROWD } from '../figures.ts';
import type { System } from '../system/system.ts';
import type { Answer, BrokenRead, Change, History } from './history.ts';
import { createReader, type Reply, read } from './reader.ts';
import { createSender } from './sending.ts';
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
  /** Lets every request end; gives what was recorded. */
  stop(): Promise<History>;
};

const SHOPPERS = 32;
const READERS = 4;
const PRODUCTS = 40;
const CROWD_CAP_MS = 120_000;
const RECOVERY_CAP_MS = 300_000;

export async function startLoad(
  { sides, issuer }: System,
  { seed, viaProxy }: { seed: string; viaProxy: boolean },
): Promise<Load> {
  const changes: Change[] = [];
  const answers: Answer[] = [];
  const misanswers: string[] = [];
  const broken: BrokenRead[] = [];
  const carts = new Map<string, string>();
  const products = Array.from({ length: PRODUCTS }, (_, n) => `p-${n}`);
  const ending = new AbortController();
  const { signal } = ending;

  const sender = createSender(sides.map(({ cartUrl, shopUrl }) => (viaProxy ? shopUrl : cartUrl)));
  const business = `Bearer ${await issuer.token({ subject: 'business', roles: ['business'], expiresIn: '24h' })}`;
  const readers = sides.map(({ trackingUrl }) => createReader(trackingUrl, business));
  const shopping = Array.from({ length: SHOPPERS }, async (_, n) => {
    const subject = `shopper-${n}`;
    const token = await issuer.token({ subject, roles: ['shopper'], expiresIn: '24h' });
    await shop({
      subject,
      token,
      products,
      draw: createDraw(`${seed} ${subject}`),
      sender,
      onCart: (cartId, owner) => carts.set(cartId, owner),
      onChange: (change) => changes.push(change),
      signal,
    });
  });
  const reading = Array.from({ length: READERS }, (_, n) =>
    read({
      reader: readers[n % readers.length]!,
      products,
      draw: createDraw(`${seed} reader ${n}`),
      newest: () => sender.newest()?.place,
      onReply: (reply) => {
        if (reply.kind === 'answer') answers.push(reply.answer);
        else if (reply.kind === 'misanswer') misanswers.push(reply.why);
        else if (reply.kind === 'broken') broken.push(reply);
      },
      signal,
    }),
  );
  const running = Promise.all([...shopping, ...reading]);

  return {
    inFlight: sender.inFlight,
    async crowded() {
      await until(() => sender.inFlight() >= CROWD, { capMs: CROWD_CAP_MS });
      return sender.inFlight();
    },
    async counted(sinceMs, leftOut) {
      const { place } = await until(
        () => {
          const last = sender.newest();
          return last && last.sentAtMs >= sinceMs && last;
        },
        { capMs: RECOVERY_CAP_MS },
      ).catch(() => {
        throw new Error(`no write was acknowledged within ${RECOVERY_CAP_MS / 1_000} s after a fault`);
      });
      let last: readonly Reply[] = [];
      await until(
        async () => {
          const asked = readers.filter((_, n) => n !== leftOut);
          const question = { productId: products[0], tokens: [place] };
          last = await Promise.all(asked.map((reader) => reader.ask(question)));
          return last.every(({ kind }) => kind === 'answer');
        },
        { capMs: RECOVERY_CAP_MS },
      ).catch(() => {
        const what = `a write was not counted within ${RECOVERY_CAP_MS / 1_000} s after a fault`;
        throw new Error(`${what}; at last a read came to: ${JSON.stringify(last)}`);
      });
    },
    async stop() {
      ending.abort();
      await running;
      sender.close();
      for (const reader of readers) reader.close();
      return { changes, answers, misanswers, broken, carts };
    },
  };
}
