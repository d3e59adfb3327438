import { wholeNumber } from '@micromart/http/parameters';
import { postgresUrl, readConfig, serviceSettings } from '@micromart/service/config';
import { z } from 'zod';

/** Validated as text, because a MongoDB URL may name several hosts. */
export const storeUrl = z
  .string()
  .refine(
    (url) => postgresUrl.safeParse(url).success || /^mongodb(\+srv)?:\/\/[^/]+\/[^/?]+/.test(url),
    'is neither the URL of a PostgreSQL nor of a MongoDB database',
  )
  .describe('postgres://user:password@host:port/database or mongodb://user:password@host,host,host/database');

const MAX_AGE_LIMIT_S = 31_536_000;
const maxAge = (seconds: number) => wholeNumber({ max: MAX_AGE_LIMIT_S }).default(seconds);

const settings = z.object({
  ...serviceSettings,
  STORE_URL: storeUrl,
  QUEUE_URL: postgresUrl,
  CACHE_MAX_AGE: maxAge(3_600).describe('for how many seconds an answer about products may be cached'),
  CACHE_MAX_AGE_REVALIDATED: maxAge(1_800).describe('for how many more seconds after it was validated'),
});

export type Config = z.output<typeof settings>;

export const readCatalogConfig = (): Config => readConfig(settings, process.env);
