/**
 * Settings: read once from the environment, and validated together. One message lists every problem. No message repeats a
 * value, because any of them may hold a secret.
 */

import { wholeNumber } from '@micromart/http/parameters';
import { z } from 'zod';

export class ConfigError extends Error {
  override name = 'ConfigError';
}

/**
 * Reads the settings that `schema` names. Others are ignored, and an empty one counts as not set. Each setting's schema
 * says by `describe` what to give. Throws ConfigError.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: Readonly<Record<string, string | undefined>>,
): z.output<Schema> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''));
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  const lines = result.error.issues.map(({ path: [name], message }) => {
    const setting = String(name ?? 'settings');
    const hint = schema.shape[setting]?.description;
    const fault = name !== undefined && given[setting] === undefined ? 'is not set' : message;
    return `  ${setting}: ${fault}${hint ? `; give ${hint}` : ''}`;
  });
  throw new ConfigError(`These settings (environment variables) are missing or wrong:\n${lines.join('\n')}`);
}

const MAX_PORT = 65_535;

export const port = wholeNumber({ max: MAX_PORT }).describe('the port to listen on, 0 for any that is free');
export const host = z.string().default('127.0.0.1').describe('the address to listen on, such as 127.0.0.1');

export const logLevel = z
  .enum(['debug', 'info', 'warn', 'error', 'silent'], { error: 'is not a log level' })
  .default('info')
  .describe('debug, info, warn, error or silent');

export const postgresUrl = z
  .string()
  .refine((url) => /^postgres(ql)?:\/\/[^/]+\/[^/?]+/.test(url), {
    error: 'is not the URL of a PostgreSQL database',
  })
  .describe('postgres://user:password@host:port/database');

/** An address without user, password or fragment, and without a trailing slash. */
export const httpUrl = z
  .string()
  .refine(isHttpUrl, { error: 'is not an http or https URL without user, query and fragment' })
  .transform((url) => url.replace(/\/$/, ''))
  .describe('http://host:port');

/** Whose tokens the service accepts. */
export const authSettings = {
  AUTH_JWKS: z.string().describe("the file or URL of the issuer's public keys (a JSON Web Key Set)"),
  AUTH_ISSUER: z.string().describe("what the tokens' iss must be"),
  AUTH_AUDIENCE: z.string().describe("what the tokens' aud must be, or be among"),
};

export const rateLimit = wholeNumber({ min: 1, max: 1_000_000 })
  .default(100)
  .describe('how many writes a second one subject may make');

export const readLimit = wholeNumber({ min: 1, max: 1_000_000 })
  .default(1_000)
  .describe('how many reads a second one subject may make, and one address requests without a token');

export const metricsOpen = z
  .enum(['true', 'false'], { error: 'is neither true nor false' })
  .transform((text) => text === 'true')
  .default(false)
  .describe('true, to let anybody read /metrics');

/** The settings of every process that serves HTTP. A service adds its own, such as `PORT`. */
export const serviceSettings = {
  HOST: host,
  PORT: port,
  LOG_LEVEL: logLevel,
  RATE_LIMIT_PER_SECOND: rateLimit,
  READ_LIMIT_PER_SECOND: readLimit,
  METRICS_OPEN: metricsOpen,
  ...authSettings,
};

export type ServiceSettings = z.output<z.ZodObject<typeof serviceSettings>>;

/** Whether a text is an http or https URL without user, password, query and fragment. */
export function isHttpUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hash, search } = new URL(text);
  return /^https?:$/.test(protocol) && username === '' && password === '' && hash === '' && search === '';
}
