/** Writes rows of a feed as changes of their products, as one group. */
import type { Decide } from '@micromart/event-log/change-store';
import type { LogPosition } from '@micromart/events/position';
import { decideHeldRow, decideRow } from '../feed-row.ts';
import type { ChunkOutcome, HeldRow } from '../job.ts';
import type { Product, Result } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';
import type { FeedRow } from './read-feed.ts';

export type Writing = {
  readonly store: Pick<CatalogWriter, 'log' | 'products'>;
  readonly job: number;
  readonly traceparent: string | undefined;
  /** The rows of this reading are numbered after this. */
  readonly baseRow: number;
  readonly now: Date;
};

/** Writes the products of a chunk. The last of several rows about one product counts. */
export async function writeChunk(
  rows: readonly FeedRow[],
  writing: Writing,
): Promise<{ outcome: ChunkOutcome; held: HeldRow[] }> {
  const { store, baseRow, now } = writing;
  const given = rows.filter((row) => 'product' in row);
  const times = new Map<string, number>();
  for (const { product } of given) times.set(product.id, (times.get(product.id) ?? 0) + 1);
  const meant = [...new Map(given.map((row) => [row.product.id, row])).values()];
  const { tally, places, add } = createTally();
  const held: HeldRow[] = [];
  let repeated = 0;
  const decided = await together(
    meant.map(({ row, product: { id, ...content } }) => {
      const order = { log: store.log.name, id, content, origin: originOf(row, writing), now };
      return change(id, decideRow(order, { times: times.get(id)!, baseRow }), writing);
    }),
  );
  decided.forEach(({ answer, position }, n) => {
    const { row, product } = meant[n]!;
    const { id: productId, ...content } = product;
    if (answer.result === 'held') {
      held.push({ productId, row, times: times.get(productId)!, isCounted: answer.isCounted, content });
      return;
    }
    add(answer.result, times.get(productId)!, position);
    if (answer.isRepeated) repeated += 1;
  });
  const rejected = rows.filter((row) => 'message' in row);
  return { outcome: { rows: rows.length, tally, places, rejected, repeated }, held };
}

/** Writes products that were held back, each with the last row about it. */
export async function writeHeld(held: readonly HeldRow[], writing: Writing): Promise<ChunkOutcome> {
  const { store, now } = writing;
  const { tally, places, add } = createTally();
  let repeated = 0;
  const decided = await together(
    held.map(({ productId: id, row, times, isCounted, content }) => {
      const order = { log: store.log.name, id, content, origin: originOf(row, writing), now };
      return change(id, decideHeldRow(order, times > 1 || isCounted), writing);
    }),
  );
  decided.forEach(({ answer, position }, n) => {
    const { times, isCounted } = held[n]!;
    add(answer, times, position);
    if (times > 1 && !isCounted) repeated += 1;
  });
  return { rows: 0, tally, places, rejected: [], repeated };
}

const originOf = (row: number, { job, baseRow }: Writing) => ({ job, row: baseRow + row });

const change = <Answer>(id: string, decide: Decide<Product, Answer>, { store, traceparent }: Writing) =>
  store.products.change(id, decide, { traceparent });

/** Awaits all, even if one fails; then throws its error. */
async function together<T>(work: readonly Promise<T>[]): Promise<T[]> {
  const settled = await Promise.allSettled(work);
  return settled.map((one) => {
    if (one.status === 'rejected') throw one.reason;
    return one.value;
  });
}

function createTally() {
  const tally: Record<Result, number> = { applied: 0, unchanged: 0, superseded: 0 };
  const places: LogPosition[] = [];
  return {
    tally,
    places,
    /** Adds the result of the last of `times` rows about a product; the others are superseded. */
    add(result: Result, times: number, position: LogPosition | undefined) {
      tally[result] += 1;
      tally.superseded += times - 1;
      if (position) places.push(position);
    },
  };
}
