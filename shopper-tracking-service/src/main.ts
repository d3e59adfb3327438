import { run } from '@micromart/service/run';
import { readTrackingConfig } from './config.ts';
import { startTrackingService } from './service.ts';

await run('shopper-tracking-service', readTrackingConfig, startTrackingService);
