import { readBaskets } from './baskets.ts';
import { readCatalog } from './catalog-file.ts';
import { compare } from './compare.ts';
import { readCounters } from './counters.ts';
import { total } from './expected.ts';
import { serveFeed } from './feed-server.ts';
import { readHeads } from './heads.ts';
import { type HttpClient, openHttpClient } from './http-client.ts';
import { importCatalog } from './import-catalog.ts';
import { openProgress } from './progress.ts';
import { type ReplaySettings, replay } from './replay.ts';
import { comparisonText, importedText, replayedText, topBy, topTable } from './report.ts';
import { type Authorize, createAuthorize, type Sign } from './tokens.ts';

export type DemoSettings = ReplaySettings & {
  /** Addresses of the services, without a path. */
  readonly cartUrl: string;
  readonly catalogUrl: string;
  readonly trackingUrl: string;
  /** A file of products to import first, and where to serve it for that. */
  readonly catalog: string;
  /** An address of this machine, without a path. */
  readonly feedUrl: string;
};

const IMPORT_TIMEOUT_MS = 20_000;
const WRITE_TIMEOUT_MS = 20_000;
/** More than the 30 s for which a read model may hold a request. */
const READ_TIMEOUT_MS = 45_000;

/**
 * Makes the catalog import its products, replays baskets as carts, prints the top products by shopper tracking's counts, and
 * compares the growth of every counter with what was sent. Resolves to whether all are exact; rejects if they could not be
 * compared.
 */
export async function runDemo(
  settings: DemoSettings,
  { sign, output }: { sign: Sign; output: NodeJS.WriteStream },
): Promise<boolean> {
  const { cartUrl, catalogUrl, trackingUrl, baskets, limit, seed, concurrency } = settings;
  const say = (text: string) => output.write(`${text}\n`);
  const authorize = createAuthorize(sign);
  const cart = openHttpClient(cartUrl, { connections: concurrency, timeoutMs: WRITE_TIMEOUT_MS });
  const catalog = openHttpClient(catalogUrl, { connections: 1, timeoutMs: IMPORT_TIMEOUT_MS });
  const tracking = openHttpClient(trackingUrl, { connections: 1, timeoutMs: READ_TIMEOUT_MS });
  let waitingFor = '';
  const onWait = (why: string) => {
    if (why !== waitingFor) say(`Waiting for the counters: ${why}`);
    waitingFor = why;
  };
  const countersWith = (consistentWith: string | undefined) =>
    readCounters({ tracking, authorize, consistentWith, onWait });

  try {
    for (const service of [cart, catalog, tracking]) await expectRunning(service);
    // A first pass finds faults in the files before anything is sent, and the total for the progress bar.
    const { products } = await readCatalog(settings.catalog, new Set());
    let carts = 0;
    for await (const _ of readBaskets(baskets, limit)) carts++;

    await importProducts(settings, products, { catalog, authorize, output });

    // Earlier writes of any client, even of an interrupted run just before, belong to the start values of the counters.
    const headsBefore = await readHeads(cart, authorize);
    const before = await countersWith(headsBefore.position);

    say(
      `Replaying ${carts.toLocaleString('en')} baskets as carts, with seed ${seed} for what is taken out again and left.`,
    );
    const progress = openProgress(carts, 'carts', output);
    const replayed = await replay(settings, { client: cart, authorize, progress }).finally(progress.close);
    say(replayedText(replayed));

    const after = await countersWith(replayed.consistentWith);
    const headsAfter = await readHeads(cart, authorize);

    const shown = [...topBy('added', after), ...topBy('removed', after)].map(([productId]) => productId);
    const { names } = await readCatalog(settings.catalog, new Set(shown));
    say(`\n${topTable('added', after, names)}\n\n${topTable('removed', after, names)}\n`);

    const differences = compare(before, after, replayed.sent);
    const { added, removed } = total(replayed.sent);
    const foreignEvents = headsAfter.events - headsBefore.events - (added + removed + replayed.carts);
    say(comparisonText({ differences, products: after.size, foreignEvents }));
    return differences.length === 0;
  } finally {
    for (const client of [cart, catalog, tracking]) client.close();
  }
}

async function importProducts(
  { catalog: file, feedUrl }: DemoSettings,
  products: number,
  { catalog, authorize, output }: { catalog: HttpClient; authorize: Authorize; output: NodeJS.WriteStream },
): Promise<void> {
  output.write(`Importing ${products.toLocaleString('en')} products into the catalog.\n`);
  const feed = await serveFeed(file, feedUrl);
  const progress = openProgress(products, 'products', output);
  const imported = await importCatalog({
    catalog,
    authorize,
    feedUrl: feed.url,
    onProgress: progress.reach,
  }).finally(() => {
    progress.close();
    feed.close();
  });
  output.write(`${importedText(imported)}\n\n`);
}

async function expectRunning({ url, send }: HttpClient): Promise<void> {
  await send({ method: 'GET', path: '/health/live', headers: {} }).catch(({ message }: Error) => {
    throw new Error(`no system answers at ${url} (${message}): start it with npm start`);
  });
}
