/** Reads the catalog's answer about a set of products. */

import { productsTag } from '@micromart/contracts/catalog/etag';
import { productSet } from '@micromart/contracts/catalog/product';
import { isLogName } from '@micromart/events/position';
import type { CachedAnswer } from '@micromart/http-cache/cached-answers';
import type { Copy } from './copy.ts';

/** The outcome of one request. It has no copies if the catalog is unavailable. */
export type CatalogAnswer = {
  readonly copies: readonly Copy[];
  readonly missing: readonly string[];
  readonly state: 'fresh' | 'stale';
  /** When the catalog gave it, and until when it is fresh. */
  readonly answeredMs: number;
  readonly freshUntilMs: number;
  readonly why?: string | undefined;
};

const MAX_WHY_LENGTH = 300;

/** `held` are the copies that the request was about: a 304 renews them. */
export function readAnswer(
  answer: CachedAnswer,
  { ids, held, nowMs }: { ids: readonly string[]; held: readonly Copy[]; nowMs: number },
): CatalogAnswer {
  const times = {
    answeredMs: nowMs - answer.ageMs,
    freshUntilMs: nowMs + answer.freshForMs,
    usableUntilMs: nowMs + answer.usableForMs,
  };
  const state = answer.cacheStatus === 'stale' ? 'stale' : 'fresh';
  if (answer.status === 304)
    return { ...times, state, missing: [], copies: held.map((copy) => ({ ...copy, ...times })) };
  if (answer.status !== 200) return noAnswer(`the catalog answered ${answer.status}: ${answer.text}`);
  const set = readSet(answer.text);
  if (!set || !coversExactly(ids, set))
    return noAnswer('the catalog answered about other products than requested');
  const log = provenLog(answer.headers.etag, set);
  const copies = set.items.map((product) => ({ product, log, ...times }));
  return { ...times, state, missing: set.missing, copies };
}

export const noAnswer = (why: string): CatalogAnswer => ({
  copies: [],
  missing: [],
  state: 'stale',
  answeredMs: 0,
  freshUntilMs: 0,
  why: why.slice(0, MAX_WHY_LENGTH),
});

type ReadSet = { readonly items: readonly Copy['product'][]; readonly missing: readonly string[] };

function readSet(text: string): ReadSet | undefined {
  try {
    return productSet.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function coversExactly(ids: readonly string[], { items, missing }: ReadSet): boolean {
  const answered = [...items.map(({ id }) => id), ...missing];
  return answered.length === ids.length && new Set([...answered, ...ids]).size === ids.length;
}

/** The log that the tag names, if the tag really follows from the answer's ids and versions. */
function provenLog(etag: string | undefined, { items, missing }: ReadSet): string | undefined {
  const log = /^"([^".]+)\./.exec(etag ?? '')?.[1];
  if (log === undefined || !isLogName(log)) return undefined;
  const versions = [...items, ...missing.map((id) => ({ id, version: 0 }))];
  return etag === `"${productsTag(log, versions)}"` ? log : undefined;
}
