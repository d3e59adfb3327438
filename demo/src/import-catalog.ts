import { setTimeout as sleep } from 'node:timers/promises';
import type { Answer, HttpClient } from './http-client.ts';
import { ask } from './retry.ts';
import type { Authorize } from './tokens.ts';
import { classifyRead, classifyWrite } from './verdict.ts';

/** How an import ended: products written, products unchanged, and lines that were no products. */
export type Imported = { readonly written: number; readonly unchanged: number; readonly rejected: number };

const SUBJECT = 'demo';
const POLL_MS = 200;
const CAP_MS = 60_000;
/** About five hours; the catalog itself gives up jobs without progress. */
const MAX_POLLS = 100_000;

/**
 * Makes the catalog import the products of a feed, and waits until it has. Products that the catalog already has stay
 * unchanged, so this may be repeated. Throws if the import fails, with the catalog's reason.
 */
export async function importCatalog({
  catalog,
  authorize,
  feedUrl,
  onProgress,
}: {
  readonly catalog: HttpClient;
  readonly authorize: Authorize;
  readonly feedUrl: string;
  readonly onProgress: (products: number) => void;
}): Promise<Imported> {
  const accepted = await ask({
    name: 'POST /imports of the catalog',
    send: async () =>
      catalog.send({
        method: 'POST',
        path: '/imports',
        headers: {
          authorization: await authorize(SUBJECT, 'catalog'),
          'content-type': 'application/json',
        },
        body: JSON.stringify({ url: feedUrl }),
      }),
    classify: classifyWrite,
    capMs: CAP_MS,
  });
  const path = jobPath(accepted);
  for (let polls = 0; polls < MAX_POLLS; polls++) {
    const job = await readJob(path, { catalog, authorize });
    onProgress(job.progress.done);
    if (job.state === 'done') {
      const { applied = 0, unchanged = 0 } = job.result ?? {};
      return { written: applied, unchanged, rejected: job.rejected };
    }
    if (job.state === 'failed' || job.state === 'cancelled')
      throw new Error(
        `the import of ${feedUrl} has ${job.state}: ${job.error?.detail ?? 'by another client'}`,
      );
    await sleep(POLL_MS);
  }
  throw new Error(`the import of ${feedUrl} does not end; see ${catalog.url}${path}`);
}

type Job = {
  readonly state: string;
  readonly progress: { readonly done: number };
  readonly result: { readonly applied?: number; readonly unchanged?: number } | null;
  readonly rejected: number;
  readonly error: { readonly detail: string } | null;
};

async function readJob(
  path: string,
  { catalog, authorize }: { catalog: HttpClient; authorize: Authorize },
): Promise<Job> {
  const { body } = await ask({
    name: `GET ${path} of the catalog`,
    send: async () =>
      catalog.send({
        method: 'GET',
        path,
        headers: { authorization: await authorize(SUBJECT, 'catalog') },
      }),
    classify: classifyRead,
    capMs: CAP_MS,
  });
  return JSON.parse(body);
}

function jobPath({ headers: { location }, body }: Answer): string {
  const path = location && /\/jobs\/[^/?#]+$/.exec(location)?.[0];
  if (!path) throw new Error(`a new job has no Location, or not one below /jobs/: ${body.slice(0, 200)}`);
  return path;
}
