import { host, logLevel, port, readConfig } from '@micromart/service/config';
import { run } from '@micromart/service/run';
import { z } from 'zod';
import { startSupplierFeed } from './supplier-feed.ts';

const settings = z.object({ HOST: host, PORT: port, LOG_LEVEL: logLevel });

const FILE = new URL('../../../demo/data/catalog.csv.gz', import.meta.url);

await run(
  'supplier-feed',
  () => readConfig(settings, process.env),
  (config) => startSupplierFeed({ host: config.HOST, port: config.PORT, file: FILE }),
);
