import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { postgresUrl, readConfig, serviceSettings } from './config.ts';
import { problemsOf } from './testing/problems-of.ts';

const schema = z.object({ ...serviceSettings, STORE_URL: postgresUrl });

const env = {
  PORT: '4001',
  STORE_URL: 'postgres://cart:hunter2@127.0.0.1:5432/cart',
  AUTH_JWKS: '/run/jwks.json',
  AUTH_ISSUER: 'https://issuer.test',
  AUTH_AUDIENCE: 'micromart',
};

describe('settings', () => {
  test('have defaults, and ignore unknown names', () => {
    expect(readConfig(schema, { ...env, HOME: '/root', HOST: '' })).toEqual({
      ...env,
      PORT: 4001,
      HOST: '127.0.0.1',
      LOG_LEVEL: 'info',
      RATE_LIMIT_PER_SECOND: 100,
      READ_LIMIT_PER_SECOND: 1_000,
      METRICS_OPEN: false,
    });
  });

  test('report every problem in one message, with what to give instead', () => {
    const message = problemsOf(schema, {
      ...env,
      PORT: '70000',
      LOG_LEVEL: 'loud',
      STORE_URL: '',
      METRICS_OPEN: 'yes',
    });
    expect(message.split('\n')).toEqual([
      'These settings (environment variables) are missing or wrong:',
      '  PORT: must be a whole number from 0 to 65535; give the port to listen on, 0 for any that is free',
      '  LOG_LEVEL: is not a log level; give debug, info, warn, error or silent',
      '  METRICS_OPEN: is neither true nor false; give true, to let anybody read /metrics',
      '  STORE_URL: is not set; give postgres://user:password@host:port/database',
    ]);
  });

  test.each([
    ['STORE_URL', 'mysql://cart:hunter2@127.0.0.1/cart'],
    ['STORE_URL', 'postgres://cart:hunter2@127.0.0.1'],
    ['PORT', 'hunter2'],
  ])('never repeat the value of %s', (name, value) => {
    const message = problemsOf(schema, { ...env, [name]: value });
    expect(message).toContain(name);
    expect(message).not.toContain('hunter2');
  });
});
