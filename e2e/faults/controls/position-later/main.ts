import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/subscription/apply/apply-batch'),
  new URL('batch.ts', import.meta.url).href,
);
await import('@micromart/shopper-tracking-service/main');
