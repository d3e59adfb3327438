import { expect, test } from '@jest/globals';
import { createMetrics } from '../metrics.ts';
import type { Answer, RouteRequest } from '../route.ts';
import { referenceRoutes } from './reference.ts';

const routes = referenceRoutes({
  name: 'shelf',
  metrics: createMetrics('shelf'),
  metricsOpen: false,
  routes: [],
  asyncapi: { asyncapi: '3.0.0' },
});

test.each(['/docs', '/openapi.json', '/asyncapi.json'])(
  'every answer to %s shares the same bytes',
  async (path) => {
    const { handle } = routes.find((route) => route.path === path)!;
    const ask = () => handle({} as RouteRequest<unknown, unknown, unknown, unknown>) as Promise<Answer>;
    const [first, second] = [await ask(), await ask()];
    expect(first.text).toBeInstanceOf(Buffer);
    expect(second.text).toBe(first.text);
  },
);
