import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/event-log/idempotency'),
  new URL('idempotency.ts', import.meta.url).href,
);
await import('@micromart/cart-service/main');
