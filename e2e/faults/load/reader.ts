/**
 * A business user asks for counters, and records the answers: with no token, with that of a write that was acknowledged, or
 * with the position of its own last answer, behind which no answer may go back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import { type HttpClient, openHttpClient } from '@micromart/demo/http-client';
import { formatPosition, type LogPosition, parsePosition } from '@micromart/events/position';
import { type Answer, type BrokenRead, type Counters, countersBy } from './history.ts';

export type Reply =
  | { readonly kind: 'answer'; readonly answer: Answer }
  /** An answer that honestly says "not now", or nobody there to ask. */
  | ({ readonly kind: 'none' } & BrokenRead)
  /** An answer that there should never be. */
  | { readonly kind: 'misanswer'; readonly why: string }
  | ({ readonly kind: 'broken' } & BrokenRead);

export type Reader = { ask(question: Question): Promise<Reply>; close(): void };

export type Question = {
  /** All products where it is left out. */
  readonly productId: string | undefined;
  /** What the answer is to include. */
  readonly tokens: readonly LogPosition[];
};

const CONNECTIONS = 32;
const TIMEOUT_MS = 20_000;
const WAIT_S = 2;
const MAX_PRODUCTS = 1_000;
const PAUSE_MS = 20;
const LIST_ONE_IN = 10;

/** `readModel` tells the read models of a run apart. */
export function createReader(url: string, authorization: string, readModel = 0): Reader {
  const client: HttpClient = openHttpClient(url, { connections: CONNECTIONS, timeoutMs: TIMEOUT_MS });
  return {
    async ask({ productId, tokens }) {
      const path =
        productId === undefined
          ? `/products?sort=-added&limit=${MAX_PRODUCTS}`
          : `/products/${productId}/counts`;
      const consistent = { 'consistent-with': formatPosition(tokens), prefer: `wait=${WAIT_S}` };
      const headers = { authorization, ...(tokens.length > 0 && consistent) };
      const sentAtMs = Date.now();
      try {
        const reply = await client.send({ method: 'GET', path, headers });
        if (reply.status === 503)
          return { kind: 'none', sentAtMs, endedAtMs: Date.now(), why: `503 ${reply.body.slice(0, 200)}` };
        if (reply.status !== 200)
          return { kind: 'misanswer', why: `GET ${path}: ${reply.status} ${reply.body.slice(0, 200)}` };
        const answer = {
          counters: countersOf(reply.body),
          whole: productId === undefined,
          positions: parsePosition(String(reply.headers.position)) ?? [],
          asOfMs: Date.parse(String(reply.headers['as-of'])),
          tokens,
          readModel,
          sentAtMs,
          endedAtMs: Date.now(),
        };
        return { kind: 'answer', answer };
      } catch (error) {
        const { code, message } = error as Error & { code?: string };
        const kind = code === 'ECONNREFUSED' ? 'none' : 'broken';
        return { kind, sentAtMs, endedAtMs: Date.now(), why: code ?? message };
      }
    },
    close: () => client.close(),
  };
}

/** Reads until the signal is aborted. */
export async function read({
  reader,
  products,
  draw,
  newest,
  onReply,
  signal,
}: {
  reader: Reader;
  products: readonly string[];
  draw: Draw;
  newest: () => LogPosition | undefined;
  onReply: (reply: Reply) => void;
  signal: AbortSignal;
}): Promise<void> {
  let last: readonly LogPosition[] = [];
  while (!signal.aborted) {
    const productId = draw(LIST_ONE_IN) === 0 ? undefined : products[draw(products.length)];
    const written = newest();
    const tokens = [[], written ? [written] : [], last][draw(3)]!;
    const reply = await reader.ask({ productId, tokens });
    if (reply.kind === 'answer') last = reply.answer.positions;
    onReply(reply);
    await sleep(PAUSE_MS, undefined, { signal }).catch(() => {});
  }
}

type Row = Counters & { readonly productId: string };

function countersOf(body: string): Map<string, Counters> {
  const parsed = JSON.parse(body) as Row | { readonly items: readonly Row[] };
  const rows = 'items' in parsed ? parsed.items : [parsed];
  return new Map(rows.map((row) => [row.productId, countersBy((name) => row[name])]));
}
