import { run } from '@micromart/service/run';
import { startCatalogWorker } from './worker.ts';
import { readWorkerConfig } from './worker-config.ts';

await run('catalog-worker', readWorkerConfig, startCatalogWorker);
