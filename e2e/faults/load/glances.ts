/** Shoppers look at their carts, and what the carts say of the catalog is recorded. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import type { HttpClient } from '@micromart/demo/http-client';

export type Glance = {
  /** The wall clock's, in milliseconds since 1970. */
  readonly sentAtMs: number;
  readonly endedAtMs: number;
  /** What went wrong, instead of a cart. */
  readonly failure?: string | undefined;
  readonly catalog?: 'fresh' | 'stale' | 'unavailable';
  readonly prices: readonly { readonly productId: string; readonly amount: number }[];
};

type Body = {
  readonly catalog: NonNullable<Glance['catalog']>;
  readonly items: readonly { readonly productId: string; readonly currentPrice: { amount: number } | null }[];
};

const PAUSE_MS = 20;

/** Looks at one cart after another until the signal is aborted. */
export async function glance({
  client,
  carts,
  tokenOf,
  draw,
  onGlance,
  signal,
}: {
  client: HttpClient;
  /** The carts there are, and whose they are. */
  carts: ReadonlyMap<string, string>;
  tokenOf: (subject: string) => Promise<string>;
  draw: Draw;
  onGlance: (glance: Glance) => void;
  signal: AbortSignal;
}): Promise<void> {
  while (!signal.aborted) {
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
    const [cartId, subject] = [...carts][draw(Math.max(1, carts.size))] ?? [];
    if (cartId === undefined || subject === undefined) continue;
    const headers = { authorization: `Bearer ${await tokenOf(subject)}` };
    const sentAtMs = Date.now();
    const seen = await client.send({ method: 'GET', path: `/carts/${cartId}`, headers }).then(
      ({ status, body }): Pick<Glance, 'failure' | 'catalog' | 'prices'> =>
        status === 200 ? pricesOf(JSON.parse(body) as Body) : { failure: `${status} ${body}`, prices: [] },
      (error: Error & { code?: string }) => ({ failure: error.code ?? error.message, prices: [] }),
    );
    onGlance({ sentAtMs, endedAtMs: Date.now(), ...seen });
  }
}

const pricesOf = ({ catalog, items }: Body) => ({
  catalog,
  prices: items.flatMap(({ productId, currentPrice }) =>
    currentPrice ? [{ productId, amount: currentPrice.amount }] : [],
  ),
});
