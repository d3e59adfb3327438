import { run } from '@micromart/service/run';
import { readCartConfig } from './config.ts';
import { startCartService } from './service.ts';

await run('cart-service', readCartConfig, startCartService);
