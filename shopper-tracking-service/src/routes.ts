import type { Route } from '@micromart/http/route';
import type { Consistency } from '@micromart/subscription/freshness/consistency';
import { countsRoute } from './routes/counts.ts';
import { productsRoute } from './routes/products.ts';
import { createQuestions } from './routes/questions.ts';
import { seriesRoute } from './routes/series.ts';
import type { CountStore } from './store/store.ts';

/** The routes for business users. */
export function trackingRoutes(deps: {
  store: CountStore;
  consistency: Consistency;
  now: () => Date;
}): Route[] {
  const asked = { store: deps.store, questions: createQuestions(deps) };
  return [countsRoute(asked), seriesRoute(asked), productsRoute(asked)];
}
