import { replaceModule } from '../../system/replace-module.ts';

replaceModule(
  import.meta.resolve('@micromart/event-log-postgres/changes'),
  new URL('changes.ts', import.meta.url).href,
);
await import('@micromart/cart-service/main');
