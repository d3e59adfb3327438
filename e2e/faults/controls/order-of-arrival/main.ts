import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/catalog-service/product'),
  new URL('product.ts', import.meta.url).href,
);
await import('@micromart/catalog-service/worker-main');
