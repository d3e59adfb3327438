import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/subscription/apply/fence'),
  new URL('fence.ts', import.meta.url).href,
);
await import('@micromart/shopper-tracking-service/main');
