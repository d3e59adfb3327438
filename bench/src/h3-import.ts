/**
 * H3: what an import of a supplier's whole file costs. The catalog as `npm start` runs it, its API and its worker, imports
 * a file that the host sends as fast as it is taken: into an empty catalog, and once more with every price changed, while
 * callers read at an even rate. How long beyond a mere download, how much slower reads are than before it, and how much
 * memory either process took at the most.
 *
 * MICROMART_DATA names a folder with another catalog.csv.gz than the demo's thousand products.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { openPool } from '@micromart/postgres/pool';
import { type CatalogDatabases, openCatalogDatabases, WORKER } from './catalog-store.ts';
import type { Server } from './database.ts';
import type { Figure } from './figure.ts';
import { readAtRate } from './paced-reads.ts';
import { peakResidentMb } from './proc.ts';
import { compare, format, quantile, requireSame, spreadOf, WrongAnswer } from './protocol.ts';
import { type ServiceProcess, startProcess } from './service-process.ts';
import { openSupplier, type Supplier } from './supplier.ts';

const API = 'catalog-service/src/main.ts';
const DEMO = fileURLToPath(new URL('../../demo/data/', import.meta.url));
const IDLE_SECONDS = 10;
const QUICK_IDLE_SECONDS = 3;
const SET = 20;
const POLL_MS = 50;
const IMPORT_CAP_MS = 900_000;
const MS_PER_S = 1_000;

type Measures = Record<
  'filledS' | 'changedS' | 'idleP50Ms' | 'duringP50Ms' | 'idleP99Ms' | 'duringP99Ms' | 'workerMb' | 'apiMb',
  number
>;

export const h3Import: Figure = async ({ server, rounds, quick, tell }) => {
  const packed = await readFile(join(process.env.MICROMART_DATA || DEMO, 'catalog.csv.gz'));
  const supplier = await openSupplier(gunzipSync(packed).toString());
  const measured: Measures[] = [];
  try {
    for (let round = 1; round <= rounds; round += 1) {
      const one = await importTwice(server, supplier, quick ? QUICK_IDLE_SECONDS : IDLE_SECONDS);
      const shown = Object.entries(one).map(([name, value]) => `${name} ${format(value)}`);
      tell(`  round ${round}  ${shown.join(', ')}`);
      measured.push(one);
    }
  } finally {
    await supplier.close();
  }
  const of = (name: keyof Measures) => measured.map((one) => one[name]);
  const products = `${supplier.productIds.length.toLocaleString('en')} products`;
  const row = { figure: 'H3', against: 'a download of the file', unit: 's' };
  const seconds = { atMost: 60, moonshot: 20 };
  const reads = { figure: 'H3', against: 'the same reads before it', unit: 'ms' };
  const memory = { figure: 'H3', against: '–', unit: 'MB', bar: { atMost: 160, moonshot: 90 } };
  return [
    {
      ...row,
      what: `import of ${products} into an empty catalog, beyond it`,
      bar: seconds,
      ours: spreadOf(of('filledS')),
    },
    { ...row, what: 'the same with every price changed', bar: seconds, ours: spreadOf(of('changedS')) },
    {
      ...reads,
      what: `reads of ${SET} products meanwhile, p50`,
      ...compare(of('duringP50Ms'), of('idleP50Ms')),
    },
    {
      ...reads,
      what: 'the same, p99',
      bar: { atMost: 2, moonshot: 1 },
      ...compare(of('duringP99Ms'), of('idleP99Ms')),
    },
    { ...memory, what: "the worker's memory, at the most", ours: spreadOf(of('workerMb')) },
    { ...memory, what: "the API's memory, at the most", ours: spreadOf(of('apiMb')) },
  ];
};

async function importTwice(server: Server, supplier: Supplier, idleSeconds: number): Promise<Measures> {
  const databases = await openCatalogDatabases(server);
  const allowed = { ...databases.settings, IMPORT_ALLOWED_HOSTS: supplier.host };
  const started: ServiceProcess[] = [];
  try {
    const worker = await startProcess(WORKER, allowed);
    started.push(worker);
    const api = await startProcess(API, databases.settings);
    started.push(api);
    const importing = await importer(api, databases, supplier);

    const filledS = await importing();
    const reads = { ...api, authorization: await databases.authorize('service'), sets: setsOf(supplier) };
    const idle = AbortSignal.timeout(idleSeconds * MS_PER_S);
    const idleMs = await readAtRate(reads, idle);
    supplier.raisePrices();
    const during = new AbortController();
    const [duringMs, changedS] = await Promise.all([
      readAtRate(reads, during.signal),
      importing().finally(() => during.abort()),
    ]);
    await requireAll(databases, supplier);
    return {
      filledS,
      changedS,
      idleP50Ms: quantile(idleMs, 0.5),
      duringP50Ms: quantile(duringMs, 0.5),
      idleP99Ms: quantile(idleMs, 0.99),
      duringP99Ms: quantile(duringMs, 0.99),
      workerMb: await peakResidentMb(worker.pid),
      apiMb: await peakResidentMb(api.pid),
    };
  } finally {
    for (const one of started.reverse()) await one.stop();
    await databases.close();
  }
}

/** Has the file imported, and gives the seconds from the job's acceptance to its end, without those of a download. */
async function importer(
  { host, port }: ServiceProcess,
  databases: CatalogDatabases,
  { url, productIds }: Supplier,
): Promise<() => Promise<number>> {
  const base = `http://${host}:${port}`;
  const headers = {
    authorization: await databases.authorize('catalog'),
    'content-type': 'application/json',
  };
  return async () => {
    const beganMs = performance.now();
    await (await fetch(url)).arrayBuffer();
    const downloadMs = performance.now() - beganMs;
    const accepted = await fetch(`${base}/imports`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ url }),
    });
    const path = accepted.headers.get('location');
    const deadlineMs = performance.now() + IMPORT_CAP_MS;
    while (performance.now() < deadlineMs) {
      const job = (await (await fetch(base + path, { headers })).json()) as Job;
      if (job.finishedAt) {
        requireSame('state of the import', job.state, 'done');
        requireSame('products written', job.result.applied, productIds.length);
        return (Date.parse(job.finishedAt) - Date.parse(job.acceptedAt) - downloadMs) / MS_PER_S;
      }
      await sleep(POLL_MS);
    }
    throw new WrongAnswer(`the import did not end within ${IMPORT_CAP_MS} ms`);
  };
}

type Job = {
  readonly state: string;
  readonly result: { readonly applied: number };
  readonly acceptedAt: string;
  readonly finishedAt: string | null;
};

/** Sets of products far apart from each other, as a cart's are, that come to all of them. */
const setsOf = ({ productIds }: Supplier): string[][] => {
  const step = Math.floor(productIds.length / SET);
  return Array.from({ length: step }, (_, n) =>
    Array.from({ length: SET }, (_, k) => productIds[n + k * step]!),
  );
};

/** Every product is there at its second version, with the price of the file as it is now, and two events. */
async function requireAll({ settings }: CatalogDatabases, { productIds, cents }: Supplier): Promise<void> {
  const pool = openPool(settings.STORE_URL, { max: 1, name: 'bench' });
  try {
    const { rows } = await pool.query(
      `SELECT count(*) AS products, count(*) FILTER (WHERE version = 2) AS changed,
         sum((state -> 'price' ->> 'amount')::bigint)::bigint AS cents,
         (SELECT sum(last)::bigint FROM event_log_heads) AS events
       FROM products`,
    );
    const products = productIds.length;
    requireSame('the catalog', rows[0], {
      products,
      changed: products,
      cents: cents(),
      events: 2 * products,
    });
  } finally {
    await pool.end();
  }
}
