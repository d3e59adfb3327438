import type { CatalogEvidence, Evidence, Job } from '../evidence/evidence.ts';
import { FEED_PRODUCTS, feedName, feedOf } from '../load/feeds.ts';
import { orderedName } from '../load/orders.ts';

/**
 * In the end every product is what the newest job that was for it says, in the order of acceptance; its versions rise by
 * one, each told by one event; and no order took effect twice on a product, or otherwise than its job tells.
 */
export function judgeProducts({ catalog }: Evidence): string[] {
  return [...judgeStates(catalog), ...judgeVersions(catalog), ...judgeEvents(catalog)];
}

/** What an order leaves of a product: its name, which tells whose it is, or that it is sold no more. */
type Left = { readonly number: number; readonly names: ReadonlySet<string> | 'withdrawn' };

function judgeStates({ history, jobs, products }: CatalogEvidence): string[] {
  const orderOf = new Map(
    history.orders.flatMap((order) =>
      order.outcome.kind === 'accepted' ? [[order.outcome.job, order] as const] : [],
    ),
  );
  // A job whose acceptance was never heard of may be any of the orders without an answer.
  const unheard = history.orders.filter(({ outcome }) => outcome.kind === 'unknown');
  const namesOf = ({ id, productId }: Job): ReadonlySet<string> => {
    const order = orderOf.get(id);
    const candidates = order
      ? [order]
      : unheard.filter(({ wanted }) => wanted.kind === 'put' && wanted.productId === productId);
    return new Set(candidates.map(({ trace }) => orderedName(trace)));
  };
  const newest = new Map<string, Left>();
  for (const job of jobs.toSorted((a, b) => a.number - b.number))
    if (job.kind === 'import') {
      const names = new Set([feedName(feedOf(job.url!)!)]);
      for (const id of FEED_PRODUCTS) newest.set(id, { number: job.number, names });
    } else {
      const names = job.kind === 'withdraw' ? 'withdrawn' : namesOf(job);
      newest.set(job.productId!, { number: job.number, names });
    }
  return [...newest].flatMap(([id, { number, names }]) => {
    const product = products.get(id);
    const isRight =
      names === 'withdrawn' ? product?.withdrawn : product && !product.withdrawn && names.has(product.name);
    const state = product ? `"${product.name}"${product.withdrawn ? ', withdrawn' : ''}` : 'not there';
    const due = names === 'withdrawn' ? names : [...names].map((name) => `"${name}"`).join(' or ');
    return isRight ? [] : [`${id} is ${state}; its newest job, number ${number}, makes it ${due}`];
  });
}

function judgeVersions({ products, changes }: CatalogEvidence): string[] {
  const versions = new Map<string, number>();
  const gaps = changes.flatMap(({ productId, version }) => {
    const before = versions.get(productId) ?? 0;
    versions.set(productId, version);
    return version === before + 1 ? [] : [`${productId}: version ${version} in the log follows ${before}`];
  });
  const behind = [...products]
    .filter(([id, { version }]) => version !== (versions.get(id) ?? 0))
    .map(([id, { version }]) => `${id} has version ${version}; its last event, ${versions.get(id) ?? 0}`);
  return [...gaps, ...behind];
}

/** How many of a job's results are of a kind. */
export const timesOf = (kind: string, result: Job['result']): number =>
  typeof result === 'string' ? Number(result === kind) : (result?.[kind] ?? 0);

/**
 * A job that had an effect, and whose worker died before it wrote that down, may be overtaken by a newer one until it is
 * carried out again: then it is `superseded`, and has its event. So that result leaves it open whether there is one.
 */
function judgeEvents({ history, jobs, changes }: CatalogEvidence): string[] {
  const byTrace = Map.groupBy(changes, ({ trace }) => trace);
  const twice = [...byTrace].flatMap(([trace, events]) => {
    const products = new Set(events.map(({ productId }) => productId));
    return products.size === events.length ? [] : [`order ${trace} took effect twice on a product`];
  });
  const jobOf = new Map(jobs.map((job) => [job.id, job]));
  const otherwise = history.orders.flatMap(({ trace, outcome }) => {
    const job = outcome.kind === 'accepted' ? jobOf.get(outcome.job) : undefined;
    if (!job) return [];
    const events = byTrace.get(trace)?.length ?? 0;
    const [applied, superseded] = [timesOf('applied', job.result), timesOf('superseded', job.result)];
    return events >= applied && events <= applied + superseded
      ? []
      : [`job ${job.id} applied ${applied} changes, ${superseded} were superseded; it has ${events} events`];
  });
  return [...twice, ...otherwise];
}
