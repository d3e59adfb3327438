import { run } from '@micromart/service/run';
import { readCatalogConfig } from './config.ts';
import { startCatalogService } from './service.ts';

await run('catalog-service', readCatalogConfig, startCatalogService);
