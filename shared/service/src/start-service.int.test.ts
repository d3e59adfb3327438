import { afterEach, expect, test } from '@jest/globals';
import { route } from '@micromart/http/route';
import { createLogger } from '@micromart/process/logger';
import { z } from 'zod';
import type { ServiceSettings } from './config.ts';
import type { Running } from './run.ts';
import { startService } from './start-service.ts';

const logger = createLogger({ name: 'test', level: 'silent' });

const settings: ServiceSettings = {
  HOST: '127.0.0.1',
  PORT: 0,
  LOG_LEVEL: 'silent',
  RATE_LIMIT_PER_SECOND: 100,
  READ_LIMIT_PER_SECOND: 100,
  METRICS_OPEN: true,
  AUTH_JWKS: '/nowhere/jwks.json',
  AUTH_ISSUER: 'https://issuer.test',
  AUTH_AUDIENCE: 'micromart',
};

const running: Running[] = [];
afterEach(async () => {
  for (const service of running.splice(0)) await service.close();
});

class StoreDown extends Error {}

const ask = (handle: () => never) =>
  route({
    method: 'get',
    path: '/ask',
    summary: 'Asks the store',
    roles: 'open',
    answers: { 200: { description: 'The answer', schema: z.object({}) } },
    problems: ['unavailable'],
    handle,
  });

test('serves routes, checks and metrics under one name, and answers 503 where a part is unavailable', async () => {
  const service = await startService({ name: 'note-service', settings, logger }, async () => ({
    routes: [
      ask(() => {
        throw new StoreDown();
      }),
    ],
    checks: [{ name: 'store', check: async () => ({ ok: true }) }],
    isUnavailable: (error) => error instanceof StoreDown,
    asyncapi: { asyncapi: '3.0.0' },
  }));
  running.push(service);
  const get = (path: string) => fetch(service.url + path);
  expect((await get('/ask')).status).toBe(503);
  expect(await (await get('/health/ready')).json()).toMatchObject({ parts: { store: { ok: true } } });
  expect(await (await get('/metrics')).text()).toContain('service="note-service"');
  expect(await (await get('/openapi.json')).json()).toMatchObject({ info: { title: 'note-service' } });
  expect(await (await get('/asyncapi.json')).json()).toEqual({ asyncapi: '3.0.0' });
});

test('stops the server and everything started before it closes what they use, the last first', async () => {
  const closed: string[] = [];
  let url = '';
  const closing = (name: string) => ({ close: () => void closed.push(name) });
  const store = {
    async close() {
      const gone = await fetch(url).then(
        () => 'serving',
        () => 'stopped',
      );
      closed.push(`store, ${gone}`);
    },
  };
  const service = await startService({ name: 'test', settings, logger }, async ({ opened, started }) => {
    opened(store);
    started(closing('relay'));
    opened(closing('queue'));
    return { routes: [], checks: [] };
  });
  url = service.url;
  await service.close();
  expect(closed).toEqual(['relay', 'queue', 'store, stopped']);
});

test('closes what was opened and started when starting fails half-way', async () => {
  const closed: string[] = [];
  const starting = startService({ name: 'test', settings, logger }, async ({ opened, started }) => {
    opened({ close: () => void closed.push('store') });
    started({ close: () => void closed.push('relay') });
    throw new Error('no queue');
  });
  await expect(starting).rejects.toThrow('no queue');
  expect(closed).toEqual(['relay', 'store']);
});

test('closes everything when it cannot listen, and reports that rather than what failed to close', async () => {
  const closed: string[] = [];
  const assemble = (name: string) =>
    startService({ name, settings: { ...settings, PORT: port }, logger }, async ({ opened, started }) => {
      opened({ close: () => void closed.push('store') });
      started({ close: () => Promise.reject(new Error('relay')) });
      return { routes: [], checks: [] };
    });
  const first = await startService({ name: 'first', settings, logger }, async () => ({
    routes: [],
    checks: [],
  }));
  running.push(first);
  const port = Number(new URL(first.url).port);
  await expect(assemble('second')).rejects.toMatchObject({ code: 'EADDRINUSE' });
  expect(closed).toEqual(['store']);
});
