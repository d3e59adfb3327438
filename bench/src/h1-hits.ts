/**
 * H1: how many answers a second the HTTP cache hands out of its memory, one after the other, each of the same thousand
 * addresses in turn. Against the cache of undici, asked in the same way; and, without a bar, a bare Map look-up, to show
 * what heeding every answer's lifetime costs.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { createSend } from '@micromart/http/client/send';
import { createCachingClient } from '@micromart/http-cache/caching-client';
import { Agent, cacheStores, interceptors, request } from 'undici';
import type { Figure } from './figure.ts';
import { compare, requireSame, runRounds } from './protocol.ts';

const ADDRESSES = 1_000;
const HITS = 200_000;
const QUICK_HITS = 20_000;
/** A look-up is quick: many more of them, so that there is something to measure. */
const LOOKUP_ROUNDS = 20;
const CONNECTIONS = 16;
const HITS_PER_TURN = 1_000;
const BODY = JSON.stringify({
  items: Array.from({ length: 20 }, (_, n) => ({ id: `${n}`, name: `product ${n}` })),
});
const SILENT = { answered() {}, collapsed() {}, requested() {}, evicted() {}, stored() {} };

type Get = (url: string) => Promise<string>;

export const h1Hits: Figure = async ({ rounds, quick, tell }) => {
  const hits = quick ? QUICK_HITS : HITS;
  let asked = 0;
  const origin = createServer((_, response) => {
    asked += 1;
    response.writeHead(200, { 'cache-control': 'private, max-age=3600', etag: '"a"' }).end(BODY);
  }).listen(0, '127.0.0.1');
  await once(origin, 'listening');
  const { port } = origin.address() as AddressInfo;
  const urls = Array.from({ length: ADDRESSES }, (_, n) => `http://127.0.0.1:${port}/products?ids=${n}`);
  try {
    const legs = [];
    for (const [name, get] of [
      ['ours', ours()],
      ['undici', undici()],
    ] as const) {
      for (const url of urls) await get(url);
      legs.push({ name, run: () => rateOf(get, urls, hits) });
    }
    const filled = asked;
    const map = new Map(urls.map((url) => [url, BODY]));
    legs.push({ name: 'Map', run: async () => lookupRate(map, urls, hits * LOOKUP_ROUNDS) });
    const [own, theirs, bare] = await runRounds(legs, { rounds, warmUps: 1, tell });
    requireSame('requests to the origin', asked, filled);
    const row = { figure: 'H1', unit: 'hits/s' };
    return [
      {
        ...row,
        what: 'answers from the HTTP cache',
        against: "undici's cache interceptor",
        ...compare(own!, theirs!),
      },
      { ...row, what: 'the same', against: 'a bare Map look-up', ...compare(own!, bare!) },
    ];
  } finally {
    origin.close();
    origin.closeAllConnections();
  }
};

function ours(): Get {
  const client = createCachingClient({
    name: 'bench',
    send: createSend({ connections: CONNECTIONS }),
    meter: SILENT,
  });
  return async (url) => (await client.get(url)).text;
}

function undici(): Get {
  const dispatcher = new Agent({ connections: CONNECTIONS }).compose(
    interceptors.cache({ type: 'private', store: new cacheStores.MemoryCacheStore() }),
  );
  return async (url) => (await request(url, { dispatcher })).body.text();
}

async function rateOf(get: Get, urls: readonly string[], hits: number): Promise<number> {
  let characters = 0;
  const startedMs = performance.now();
  for (let n = 0; n < hits; n += 1) {
    characters += (await get(urls[n % urls.length]!)).length;
    // What is referenced weakly is let go between turns only; in one endless turn undici would fill the memory.
    if (n % HITS_PER_TURN === 0) await nextTurn();
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  requireSame('characters', characters, hits * BODY.length);
  return hits / seconds;
}

function lookupRate(map: ReadonlyMap<string, string>, urls: readonly string[], lookups: number): number {
  let characters = 0;
  const startedMs = performance.now();
  for (let n = 0; n < lookups; n += 1) characters += map.get(urls[n % urls.length]!)!.length;
  const seconds = (performance.now() - startedMs) / 1_000;
  requireSame('characters', characters, lookups * BODY.length);
  return lookups / seconds;
}
