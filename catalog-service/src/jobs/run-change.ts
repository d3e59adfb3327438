import { formatPosition } from '@micromart/events/position';
import { decideOrder } from '../product.ts';
import type { CatalogWriter } from '../store/store.ts';
import type { RunJob } from './job-handler.ts';

/** Runs jobs that change one product. */
export const createRunChange =
  ({ log, products }: Pick<CatalogWriter, 'log' | 'products'>, now: () => Date): RunJob =>
  async ({ number, request, traceparent }) => {
    if (request.kind === 'import') throw new Error('an import was sent to the queue of single changes');
    const decide = decideOrder(log.name, request.productId, request, { job: number, row: 1 }, now());
    const { answer, position } = await products.change(request.productId, decide, {
      traceparent: traceparent ?? undefined,
    });
    return { state: 'done', result: answer, position: position && formatPosition([position]) };
  };
