import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/subscription/rebuild/switch'),
  new URL('switch.ts', import.meta.url).href,
);
await import('@micromart/shopper-tracking-service/main');
