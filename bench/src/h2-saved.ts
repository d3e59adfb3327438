/**
 * H2: how many requests to the catalog the cart saves by its copies. The baskets of `demo/` are filled as `npm run demo`
 * fills them, and for every change the cart is asked what it asks then: what the cart holds, and what is added. Against
 * asking each time, and against an HTTP cache alone, which knows addresses only. It counts and measures no time, so one
 * round is enough; its clock is its own, and the catalog a function that answers as the contract says.
 */
import { fileURLToPath } from 'node:url';
import { readBaskets } from '@micromart/demo/baskets';
import { planCart } from '@micromart/demo/plan';
import type { Send } from '@micromart/http/client/send';
import { createCachingClient } from '@micromart/http-cache/caching-client';
import { createProductCopies } from '@micromart/product-copies/product-copies';
import { answerProducts, stubProduct } from '@micromart/testing/stub-catalog';
import type { Figure, Row } from './figure.ts';
import { compare, requireSame } from './protocol.ts';

const BASKETS = fileURLToPath(new URL('../../demo/data/baskets.csv.gz', import.meta.url));
const SEED = 1;
const START_MS = Date.parse('2026-11-01T00:00:00Z');
/** What the catalog says unless it is told otherwise, in seconds. */
const MAX_AGE_S = 3_600;
const MAX_AGE_REVALIDATED_S = 1_800;
const SPANS = [
  { name: 'a minute', ms: 60_000 },
  { name: 'a day', ms: 86_400_000 },
];
const SILENT = { answered() {}, collapsed() {}, requested() {}, evicted() {}, stored() {} };

type Asker = (ids: readonly string[]) => Promise<void>;

export const h2Saved: Figure = async ({ tell }) => {
  const questions = await readQuestions();
  const rows: Row[] = [];
  for (const span of SPANS) {
    const [copies, addresses] = [
      await requestsOf(questions, span.ms, askByCopies),
      await requestsOf(questions, span.ms, askByAddress),
    ];
    tell(`  within ${span.name}: copies ${copies}, by address ${addresses}, none ${questions.length}`);
    const row = {
      figure: 'H2',
      what: `requests to the catalog while the demo's baskets are filled within ${span.name}`,
      unit: 'requests',
    };
    const note = `${(100 * (1 - copies / questions.length)).toFixed(1)} % saved`;
    rows.push(
      { ...row, against: 'asking each time', note, ...compare([copies], [questions.length]) },
      { ...row, against: 'an HTTP cache alone, by address', ...compare([copies], [addresses]) },
    );
  }
  return rows;
};

/** What is asked for each change of a cart. */
async function readQuestions(): Promise<string[][]> {
  const questions: string[][] = [];
  for await (const basket of readBaskets(BASKETS, Number.POSITIVE_INFINITY)) {
    const held = new Map<string, number>();
    for (const { kind, productId, units } of planCart(basket, SEED)) {
      questions.push([...new Set([...held.keys(), productId])]);
      const left = (held.get(productId) ?? 0) + (kind === 'add' ? units : -units);
      if (left > 0) held.set(productId, left);
      else held.delete(productId);
    }
  }
  return questions;
}

/** How many requests come to the catalog when the questions are asked one after the other, spread over a time. */
async function requestsOf(
  questions: readonly string[][],
  spanMs: number,
  openAsker: (send: Send, clock: () => number) => Asker,
): Promise<number> {
  let nowMs = START_MS;
  let requests = 0;
  const send: Send = async ({ url, headers }) => {
    requests += 1;
    const ids = new URL(url).searchParams.get('ids')!.split(',');
    const { status, etag, body } = answerProducts(ids, stubProduct, headers['if-none-match']);
    const maxAgeS = status === 304 ? MAX_AGE_REVALIDATED_S : MAX_AGE_S;
    return {
      status,
      headers: { date: new Date(nowMs).toUTCString(), etag, 'cache-control': `private, max-age=${maxAgeS}` },
      body: Buffer.from(body ? JSON.stringify(body) : ''),
      framed: true,
    };
  };
  const ask = openAsker(send, () => nowMs);
  for (const [n, ids] of questions.entries()) {
    nowMs = START_MS + Math.floor((spanMs * n) / questions.length);
    await ask(ids);
  }
  return requests;
}

function askByCopies(send: Send, clock: () => number): Asker {
  const client = createCachingClient({ name: 'bench', send, meter: SILENT, clock });
  const copies = createProductCopies({
    client,
    catalogUrl: 'http://catalog',
    token: async () => 'token',
    clock,
  });
  return async (ids) => {
    const { catalog, copies: told } = await copies.get(ids);
    requireSame('products told, and how', [told.size, catalog], [ids.length, 'fresh']);
  };
}

function askByAddress(send: Send, clock: () => number): Asker {
  const client = createCachingClient({ name: 'bench', send, meter: SILENT, clock });
  return async (ids) => {
    const { status } = await client.get(`http://catalog/products?ids=${ids.toSorted().join(',')}`);
    requireSame('status', status, 200);
  };
}
