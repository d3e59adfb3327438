import {
  eventsUrl,
  postgresUrl,
  readConfig,
  readyMaxLagMs,
  serviceSettings,
} from '@micromart/shared/process/config';
import { z } from 'zod';

const settings = z.object({
  ...serviceSettings,
  STORE_URL: postgresUrl,
  CART_EVENTS_URL: eventsUrl,
  SERVICE_TOKEN_FILE: z
    .string()
    .describe("the file that holds this service's own token, to read the feed with"),
  READY_MAX_LAG_MS: readyMaxLagMs,
});

export type Config = z.output<typeof settings>;

export const readTrackingConfig = (): Config => readConfig(settings, process.env);
