import { eventsUrl, feedUrl, needsFeed, readyMaxLagMs } from '@micromart/event-source/settings';
import { kafkaCaFile } from '@micromart/kafka/settings';
import { httpUrl, postgresUrl, readConfig, serviceSettings } from '@micromart/service/config';
import { z } from 'zod';

const settings = z
  .object({
    ...serviceSettings,
    STORE_URL: postgresUrl,
    CART_EVENTS_URL: eventsUrl,
    CART_FEED_URL: feedUrl,
    KAFKA_CA_FILE: kafkaCaFile,
    CATALOG_URL: httpUrl,
    SERVICE_TOKEN_FILE: z
      .string()
      .describe("the file that holds this service's own token, to read the feed and to ask the catalog with"),
    READY_MAX_LAG_MS: readyMaxLagMs,
  })
  .refine(...needsFeed('CART_EVENTS_URL', 'CART_FEED_URL'));

export type Config = z.output<typeof settings>;

export const readTrackingConfig = (): Config => readConfig(settings, process.env);
