import { relaySettings } from '@micromart/kafka/settings';
import { postgresUrl, readConfig, serviceSettings } from '@micromart/service/config';
import { z } from 'zod';
import { storeUrl } from './config.ts';
import { parseAllowedHosts } from './feed-hosts.ts';

const ROLE = /^[a-z_][a-z0-9_]{0,62}$/;

const settings = z.object({
  ...serviceSettings,
  ...relaySettings,
  STORE_URL: storeUrl,
  QUEUE_URL: postgresUrl,
  IMPORT_ALLOWED_HOSTS: z
    .string()
    .transform((text, { addIssue }) => {
      const hosts = parseAllowedHosts(text);
      if (!hosts) addIssue('is not a list of hosts with their ports');
      return hosts ?? new Set<string>();
    })
    .default(new Set<string>())
    .describe('host:port,host:port: where feeds may be read from; a private address must be listed itself'),
  API_ROLE: z
    .string()
    .regex(ROLE, 'is not the name of a role')
    .optional()
    .describe("the database role of the catalog's API, to grant it what it needs"),
});

export type WorkerConfig = z.output<typeof settings>;

export const readWorkerConfig = (): WorkerConfig => readConfig(settings, process.env);
