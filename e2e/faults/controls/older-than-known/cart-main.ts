import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/event-log/recent-events'),
  new URL('recent-events.ts', import.meta.url).href,
);
await import('@micromart/cart-service/main');
