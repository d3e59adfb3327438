/** Whether the process lives, and whether it is any use: for whoever starts it, and whoever sends it requests. */

import type { Logger } from '@micromart/process/logger';
import { z } from 'zod';
import { addReadinessMetrics, type Metrics } from './metrics.ts';
import { type Route, route } from './route.ts';
import { isStopping } from './server/answer-signal.ts';

export type Check = {
  /** Names the part in the answer. */
  readonly name: string;
  /** Without this part the service does its work all the same, only worse: it stays ready, and says it is degraded. */
  readonly optional?: boolean;
  /** `detail` is read by anybody: what is not as it should be, and nothing secret. Throwing counts as not ok. */
  check(): Promise<{ ok: boolean; detail?: string | undefined }>;
};

const CHECK_TIMEOUT_MS = 2_000;

const readiness = z.object({
  ready: z.boolean(),
  degraded: z.boolean(),
  parts: z.record(z.string(), z.object({ ok: z.boolean(), detail: z.string().optional() })),
});

type Readiness = z.infer<typeof readiness>;

/** Whoever asks should send its requests elsewhere, before nobody listens here any more. */
const STOPPING: Readiness = {
  ready: false,
  degraded: false,
  parts: { process: { ok: false, detail: 'the service is stopping' } },
};

/** What readiness says is also in the metrics, as it is when they are asked for. */
export function healthRoutes(checks: readonly Check[], logger: Logger, { registry }: Metrics): Route[] {
  let underWay: Promise<Readiness> | undefined;
  /** However many ask at once, every part is asked once. */
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
      summary: 'Whether the service can answer, and what it does without',
      roles: 'open',
      answers: {
        200: {
          description: 'Every part is ok, but for those that it can do without: then it is degraded',
          schema: readiness,
        },
        503: {
          description: 'A part is not ok that it cannot do without',
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
