/** Liveness, for what starts and restarts the process, and readiness, for what sends it requests. */

import type { Logger } from '@micromart/process/logger';
import { z } from 'zod';
import { addReadinessMetrics, type Metrics } from './metrics.ts';
import { type Route, route } from './route.ts';
import { isStopping } from './server/answer-signal.ts';

export type Check = {
  /** The part's name in the answer. */
  readonly name: string;
  /** The service still works without this part, only worse: it stays ready, and says that it is degraded. */
  readonly optional?: boolean;
  /** `detail` is public: it says what is wrong and holds no secret. Throwing counts as not ok. */
  check(): Promise<{ ok: boolean; detail?: string | undefined }>;
};

const CHECK_TIMEOUT_MS = 2_000;

const readiness = z.object({
  ready: z.boolean(),
  degraded: z.boolean(),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
});

type Readiness = z.infer<typeof readiness>;

/** Tells balancers to send requests elsewhere before the listener closes. */
const STOPPING: Readiness = {
  ready: false,
  degraded: false,
  parts: { process: { ok: false, detail: 'the service is stopping' } },
};

/** The same results are in the metrics; they are checked when the metrics are read. */
export function healthRoutes(checks: readonly Check[], logger: Logger, { registry }: Metrics): Route[] {
  let underWay: Promise<Readiness> | undefined;
  /** Concurrent requests share one check of every part. */
  const ask = () => {
    underWay ??= askAll(checks, logger).finally(() => {
      underWay = undefined;
    });
    return underWay;
  };
  addReadinessMetrics(registry, ask);

  return [
    route({
      method: 'get',
      path: '/health/live',
      summary: 'Whether the process lives',
      roles: 'open',
      answers: { 200: { description: 'It does', schema: z.object({ live: z.literal(true) }) } },
      problems: [],
      handle: () => ({ status: 200, body: { live: true } }),
    }),
    route({
      method: 'get',
      path: '/health/ready',
      summary: 'Whether the service can answer, and which parts it lacks',
      roles: 'open',
      answers: {
        200: {
          description: 'Every required part is ok; if an optional one is not, the service is degraded',
          schema: readiness,
        },
        503: {
          description: 'A required part is not ok',
          schema: readiness,
          headers: z.object({ 'Retry-After': z.string() }),
        },
      },
      problems: [],
      handle: async ({ signal }) => {
        const body = isStopping(signal) ? STOPPING : await ask();
        return body.ready ? { status: 200, body } : { status: 503, body, headers: { 'Retry-After': '1' } };
      },
    }),
  ];
}

async function askAll(checks: readonly Check[], logger: Logger): Promise<Readiness> {
  const parts = await Promise.all(checks.map(async (one) => ({ ...one, state: await askOne(one, logger) })));
  const missing = parts.filter(({ state }) => !state.ok);
  return {
    ready: missing.every(({ optional }) => optional),
    degraded: missing.some(({ optional }) => optional),
    parts: Object.fromEntries(parts.map(({ name, state }) => [name, state])),
  };
}

async function askOne({ name, check }: Check, logger: Logger): Promise<Readiness['parts'][string]> {
  const { promise: tooLong, resolve } = Promise.withResolvers<{ ok: boolean; detail: string }>();
  const timer = setTimeout(
    () => resolve({ ok: false, detail: `no answer within ${CHECK_TIMEOUT_MS} ms` }),
    CHECK_TIMEOUT_MS,
  );
  try {
    return await Promise.race([check(), tooLong]);
  } catch (error) {
    logger.warn({ err: error, part: name }, 'a part is not ready');
    return { ok: false, detail: 'does not answer' };
  } finally {
    clearTimeout(timer);
  }
}
