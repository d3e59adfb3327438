import { postgresUrl, readConfig, serviceSettings } from '@micromart/shared/process/config';
import { z } from 'zod';

const settings = z.object({ ...serviceSettings, STORE_URL: postgresUrl });

export type Config = z.output<typeof settings>;

export const readCartConfig = (): Config => readConfig(settings, process.env);
