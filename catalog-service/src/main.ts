import { run } from '@micromart/shared/process/run';
import { readCatalogConfig } from './config.ts';
import { startCatalogService } from './service.ts';

await run('catalog-service', readCatalogConfig, startCatalogService);
