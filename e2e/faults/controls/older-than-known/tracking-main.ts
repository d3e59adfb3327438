import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/subscription/sources/replaced-source'),
  new URL('replaced-source.ts', import.meta.url).href,
);
await import('@micromart/shopper-tracking-service/main');
