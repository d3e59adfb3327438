import { run } from '@micromart/shared/process/run';
import { startCatalogWorker } from './worker.ts';
import { readWorkerConfig } from './worker-config.ts';

await run('catalog-worker', readWorkerConfig, startCatalogWorker);
