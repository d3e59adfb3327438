/**
 * Fills an empty catalog like any other supplier: by an import, which the catalog's worker runs while the system works. A
 * catalog that has products, or is importing some, is left alone.
 */
import { setTimeout as delay } from 'node:timers/promises';

export type CatalogToFill = {
  readonly catalogUrl: string;
  /** The supplier's feed. */
  readonly feedUrl: string;
  /** Gives a token of the role `catalog`. */
  readonly token: () => Promise<string>;
  readonly print: (line: string) => void;
  /** Ends the waiting; the import continues. */
  readonly signal: AbortSignal;
};

type Job = {
  readonly id: string;
  readonly kind: string;
  readonly state: 'queued' | 'active' | 'done' | 'failed' | 'cancelled';
  readonly progress: { readonly done: number };
  readonly error: { readonly detail: string } | null;
};

const POLL_MS = 500;
const PRINT_INTERVAL_MS = 5_000;
const REQUEST_TIMEOUT_MS = 10_000;
const MAX_JOBS = 1_000;

/** Resolves when the import has ended and its result is printed, or if none was needed. */
export async function fillCatalog(catalog: CatalogToFill): Promise<void> {
  const { catalogUrl, feedUrl, print, signal } = catalog;
  try {
    if (!(await isToBeFilled(catalog))) return;
    const { id } = await ask<Job>(catalog, '/imports', { url: feedUrl });
    print(`imports the demo's products, by the job ${catalogUrl}/jobs/${id}`);
    await watch(catalog, id);
  } catch (error) {
    if (!signal.aborted) print(`the demo's products could not be imported: ${(error as Error).message}`);
  }
}

/** Whether it is empty, and no import has filled it or is going to. */
async function isToBeFilled(catalog: CatalogToFill): Promise<boolean> {
  const products = await ask<{ items: unknown[] }>(catalog, '/products?limit=1');
  if (products.items.length > 0) return false;
  const jobs = await ask<{ items: Job[] }>(catalog, `/jobs?limit=${MAX_JOBS}`);
  return !jobs.items.some(({ kind, state }) => kind === 'import' && !['failed', 'cancelled'].includes(state));
}

async function watch(catalog: CatalogToFill, id: string): Promise<void> {
  const { print, signal } = catalog;
  let printedMs = performance.now();
  for (;;) {
    const { state, progress, error } = await ask<Job>(catalog, `/jobs/${id}`);
    if (state === 'done') return print(`imported ${progress.done} products`);
    if (state === 'cancelled') return print('the import was cancelled');
    if (state === 'failed') throw new Error(error?.detail ?? 'the job failed');
    if (performance.now() - printedMs >= PRINT_INTERVAL_MS) {
      printedMs = performance.now();
      print(`imports the demo's products, ${progress.done} so far${error ? `: ${error.detail}` : ''}`);
    }
    await delay(POLL_MS, undefined, { signal });
  }
}

async function ask<Body>(
  { catalogUrl, token, signal }: CatalogToFill,
  path: string,
  body?: object,
): Promise<Body> {
  const response = await fetch(`${catalogUrl}${path}`, {
    headers: { authorization: `Bearer ${await token()}`, 'content-type': 'application/json' },
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
  });
  if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  return (await response.json()) as Body;
}
