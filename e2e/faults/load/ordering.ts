/** Orders that reach the catalog beside the shoppers: single changes by several hands, and imports, one after another. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createDraw } from '@micromart/demo/draws';
import { until } from '@micromart/testing/until';
import type { System } from '../system/system.ts';
import { createMerchant, type Merchant } from './merchant.ts';
import type { OrderHistory } from './orders.ts';

export type Ordering = {
  /** Comes back when an order that was sent after this moment (of the wall clock) has ended. */
  carriedOut(sinceMs: number): Promise<void>;
  /** Orders nothing any more. */
  rest(): Promise<void>;
  /** Waits until every accepted order has ended; gives what was recorded. */
  stop(): Promise<OrderHistory>;
};

export type OrderPlan = {
  /** What shoppers buy. It is put into the catalog before anything else. */
  readonly products: readonly string[];
  /** What single orders change; nothing for no orders. These have been put before, too. */
  readonly singles: readonly string[];
  /** How many imports there are at the same time. */
  readonly imports: number;
};

const HANDS = 4;
const WITHDRAW_ONE_IN = 10;
const PAUSE_MS = 120;
const IMPORT_PATIENCE_MS = 8_000;
const START_CAP_MS = 60_000;
const RECOVERY_CAP_MS = 120_000;
const END_CAP_MS = 300_000;

export async function startOrdering(
  system: System,
  { seed, plan }: { seed: string; plan: OrderPlan },
): Promise<Ordering> {
  const token = await system.issuer.token({ subject: 'merchant', roles: ['catalog'], expiresIn: '24h' });
  const merchant = createMerchant(system, token);
  const ending = new AbortController();
  const { signal } = ending;

  await stock(merchant, [...new Set([...plan.products, ...plan.singles])]);
  let feeds = 0;
  const hands = plan.singles.length > 0 ? HANDS : 0;
  const running = Promise.all([
    ...Array.from({ length: hands }, (_, n) =>
      changeProducts(merchant, { ...plan, draw: createDraw(`${seed} merchant ${n}`), signal }),
    ),
    ...Array.from({ length: plan.imports }, () =>
      importFeeds(merchant, {
        nextFeed: () => {
          feeds += 1;
          return feeds;
        },
        signal,
      }),
    ),
  ]);
  const accepted = () =>
    merchant
      .history()
      .orders.flatMap(({ outcome, sentAtMs }) =>
        outcome.kind === 'accepted' ? [{ job: outcome.job, sentAtMs }] : [],
      );

  return {
    async carriedOut(sinceMs) {
      const { job } = await until(() => accepted().find(({ sentAtMs }) => sentAtMs >= sinceMs), {
        capMs: RECOVERY_CAP_MS,
      });
      await until(() => merchant.hasEnded(job), { capMs: RECOVERY_CAP_MS });
    },
    async rest() {
      ending.abort();
      await running;
    },
    async stop() {
      const deadline = Date.now() + END_CAP_MS;
      for (const { job } of accepted())
        await until(() => merchant.hasEnded(job), { capMs: Math.max(1, deadline - Date.now()) }).catch(() => {
          throw new Error(
            `the accepted job ${job} has not ended ${END_CAP_MS / 1_000} s after the last fault`,
          );
        });
      merchant.close();
      return merchant.history();
    },
  };
}

/** Puts products into the catalog, and waits until they are there. */
async function stock(merchant: Merchant, products: readonly string[]): Promise<void> {
  const put = async (productId: string) => {
    const { outcome } = await until(
      async () => {
        const order = await merchant.order({ kind: 'put', productId });
        return order.outcome.kind === 'accepted' && order;
      },
      { capMs: START_CAP_MS },
    );
    if (outcome.kind === 'accepted')
      await until(() => merchant.hasEnded(outcome.job), { capMs: START_CAP_MS });
  };
  await Promise.all(products.map(put));
}

async function changeProducts(
  merchant: Merchant,
  {
    singles,
    imports,
    draw,
    signal,
  }: OrderPlan & { draw: ReturnType<typeof createDraw>; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const productId = singles[draw(singles.length)]!;
    const withdraw = imports > 0 && draw(WITHDRAW_ONE_IN) === 0;
    const { outcome } = await merchant.order({ kind: withdraw ? 'withdraw' : 'put', productId });
    if (outcome.kind === 'accepted') await merchant.hasEnded(outcome.job);
    else await merchant.askForNone();
    await pause(signal);
  }
}

/** One import after another; one that takes long is not waited for. */
async function importFeeds(
  merchant: Merchant,
  { nextFeed, signal }: { nextFeed: () => number; signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const { outcome } = await merchant.order({ kind: 'import', feed: nextFeed() });
    const patience = Date.now() + IMPORT_PATIENCE_MS;
    while (!signal.aborted && Date.now() < patience) {
      await pause(signal);
      if (outcome.kind !== 'accepted' || (await merchant.hasEnded(outcome.job))) break;
    }
  }
}

const pause = (signal: AbortSignal): Promise<void> => sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
