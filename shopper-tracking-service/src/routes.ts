import type { Route } from '@micromart/http/route';
import type { ProductSearch } from '@micromart/product-copies/product-search';
import type { Consistency } from '@micromart/subscription/freshness/consistency';
import { annotationRoutes } from './routes/annotations.ts';
import { cartsSummaryRoute } from './routes/carts-summary.ts';
import { countsRoute } from './routes/counts.ts';
import { createExports } from './routes/exports.ts';
import type { ProductNames } from './routes/product-names.ts';
import { productsRoute } from './routes/products.ts';
import { productsCsvRoute } from './routes/products-csv.ts';
import { createQuestions } from './routes/questions.ts';
import { seriesCsvRoute, seriesRoute } from './routes/series.ts';
import type { CountStore } from './store/store.ts';

/** The routes for business users. */
export function trackingRoutes(deps: {
  store: CountStore;
  consistency: Consistency;
  names: ProductNames;
  search: ProductSearch;
  now: () => Date;
}): Route[] {
  const asked = { ...deps, questions: createQuestions(deps), exports: createExports() };
  return [
    ...[countsRoute(asked), seriesRoute(asked), seriesCsvRoute(asked)],
    ...[productsRoute(asked), productsCsvRoute(asked), cartsSummaryRoute(asked)],
    ...annotationRoutes({ annotations: deps.store.annotations, now: deps.now }),
  ];
}
