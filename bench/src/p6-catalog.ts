/**
 * P6: how many questions for 20 products a second the catalog answers with 304 to whoever holds them, from 64
 * connections. Against express with the same authentication and the same store, which reads the products, serialises
 * them and hashes the text to find that out. Beside it, without a bar: bare Node's 304, and the same questions by callers
 * who hold nothing.
 */
import { type BenchCatalog, openBenchCatalog } from './catalog-store.ts';
import type { Figure } from './figure.ts';
import { type Get, getLoad } from './get-load.ts';
import { compare, requireSame, runRounds } from './protocol.ts';
import { type ServiceProcess, startProcess } from './service-process.ts';

const CONNECTIONS = 64;
const PRODUCTS = 2_000;
const SET = 20;
const SETS = 64;
const SECONDS = 6;
const QUICK_SECONDS = 3;

const OURS = 'catalog-service/src/main.ts';
const EXPRESS = 'bench/src/peers/express-catalog-main.ts';
const BARE = 'bench/src/peers/bare-main.ts';

export const p6Catalog: Figure = async ({ server, rounds, quick, tell }) => {
  const seconds = quick ? QUICK_SECONDS : SECONDS;
  const catalog = await openBenchCatalog(server, PRODUCTS);
  try {
    const legs = [
      { name: 'ours, 304', run: () => onCatalog(catalog, OURS, 304, seconds) },
      { name: 'express, 304', run: () => onCatalog(catalog, EXPRESS, 304, seconds) },
      { name: 'bare node, 304', run: () => onBare(seconds) },
      { name: 'ours, 200', run: () => onCatalog(catalog, OURS, 200, seconds) },
      { name: 'express, 200', run: () => onCatalog(catalog, EXPRESS, 200, seconds) },
    ];
    const [own304, express304, bare, own200, express200] = await runRounds(legs, {
      rounds,
      warmUps: 1,
      tell,
    });
    const row = { figure: 'P6', unit: 'requests/s' };
    const against = 'express, `res.json` with its own `ETag`, same authentication and store';
    return [
      {
        ...row,
        against,
        what: 'catalog, 304 for 20 products',
        bar: { atLeast: 2.5, moonshot: 5 },
        ...compare(own304!, express304!),
      },
      { ...row, against: "bare Node's 304", what: 'the same', ...compare(own304!, bare!) },
      { ...row, against, what: 'catalog, 20 products read', ...compare(own200!, express200!) },
    ];
  } finally {
    await catalog.close();
  }
};

async function onCatalog(
  catalog: BenchCatalog,
  entry: string,
  status: 200 | 304,
  seconds: number,
): Promise<number> {
  const process = await startProcess(entry, catalog.settings);
  try {
    const sets = Array.from({ length: SETS }, (_, n) => setOf(catalog.productIds, n));
    const held = await Promise.all(sets.map((ids) => hold(process, catalog, ids)));
    const gets = held.map(({ path, headers, etag }) => ({
      path,
      headers: status === 304 ? { ...headers, 'if-none-match': etag } : headers,
    }));
    const { statuses, perSecond } = await getLoad({ ...process, connections: CONNECTIONS, seconds, gets });
    requireSame('statuses', Object.keys(statuses), [String(status)]);
    await requireNoticed(process, catalog, sets[0]!);
    return perSecond;
  } finally {
    await process.stop();
  }
}

/** Products far apart from each other, as a cart's are. */
const setOf = (productIds: readonly string[], n: number): string[] =>
  Array.from({ length: SET }, (_, k) => productIds[(n + k * 97) % productIds.length]!);

type Held = Get & { readonly etag: string };

/** Asks for a set, which must be there whole. */
async function hold(
  { host, port }: ServiceProcess,
  { reader }: BenchCatalog,
  ids: readonly string[],
): Promise<Held> {
  const path = `/products?ids=${ids.join()}`;
  const headers = { authorization: reader };
  const response = await fetch(`http://${host}:${port}${path}`, { headers });
  const { items } = (await response.json()) as { items: { id: string }[] };
  requireSame(
    'products',
    items.map(({ id }) => id),
    [...ids].sort(),
  );
  return { path, headers, etag: response.headers.get('etag')! };
}

/** A product that has changed makes the copy of its set worthless. */
async function requireNoticed(process: ServiceProcess, catalog: BenchCatalog, ids: readonly string[]) {
  const { path, headers, etag } = await hold(process, catalog, ids);
  await catalog.change(ids[0]!);
  const { status } = await fetch(`http://${process.host}:${process.port}${path}`, {
    headers: { ...headers, 'if-none-match': etag },
  });
  requireSame('status after a change', status, 200);
}

async function onBare(seconds: number): Promise<number> {
  const bare = await startProcess(BARE, {});
  try {
    const gets = [{ path: '/products', headers: { 'if-none-match': '"held"' } }];
    const { statuses, perSecond } = await getLoad({ ...bare, connections: CONNECTIONS, seconds, gets });
    requireSame('statuses', Object.keys(statuses), ['304']);
    return perSecond;
  } finally {
    await bare.stop();
  }
}
