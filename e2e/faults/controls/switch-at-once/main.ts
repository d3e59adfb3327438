import { replaceModule } from '../../system/replace-module.ts';

for (const name of ['rebuild/switch', 'pace'])
  replaceModule(
    import.meta.resolve(`@micromart/subscription/${name}`),
    new URL(`${name.split('/').at(-1)}.ts`, import.meta.url).href,
  );
await import('@micromart/shopper-tracking-service/main');
