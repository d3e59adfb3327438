import { relaySettings } from '@micromart/kafka/settings';
import { httpUrl, postgresUrl, readConfig, serviceSettings } from '@micromart/service/config';
import { z } from 'zod';

const settings = z.object({
  ...serviceSettings,
  ...relaySettings,
  STORE_URL: postgresUrl,
  CATALOG_URL: httpUrl,
  SERVICE_TOKEN_FILE: z
    .string()
    .describe("the file that holds this service's own token, to ask the catalog with"),
});

export type Config = z.output<typeof settings>;

export const readCartConfig = (): Config => readConfig(settings, process.env);
