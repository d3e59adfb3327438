/** Wires a service's HTTP side: what every request passes through, the routes, and how errors are answered. */
import { performance } from 'node:perf_hooks';
import type { Logger } from '@micromart/process/logger';
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express';
import type { Authenticate } from './authentication/authentication.ts';
import { referenceRoutes } from './documents/reference.ts';
import { type Check, healthRoutes } from './health.ts';
import { createLimits, type Limits, MAX_OPEN_READS } from './limits.ts';
import type { Metrics } from './metrics.ts';
import { Problem, problem, problemAnswer } from './problem.ts';
import { faultOfHead } from './request/request-head.ts';
import { requestIdFrom } from './request/trace.ts';
import { type Route, routerPath } from './route.ts';
import { contextOf, setContext } from './routes/request-context.ts';
import { sendAnswer } from './routes/send-answer.ts';
import { serveRoute } from './routes/serve-route.ts';
import { signalOf } from './server/answer-signal.ts';

/** Only in metrics and logs: the client has gone, so no answer carries this status. */
const CLIENT_GONE = 499;

const FULL_DISK_QUIET_MS = 60_000;

export type AppSettings = {
  readonly name: string;
  readonly version?: string;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly authenticate: Authenticate;
  readonly routes: readonly Route[];
  /** The service is ready while all of these are ok. */
  readonly checks: readonly Check[];
  /** Writes per second that one subject may make. */
  readonly ratePerSecond: number;
  /** Reads per second of one subject, and requests per second without a token from one address. */
  readonly readsPerSecond: number;
  /** Reads that one subject may have open at once, long polls and streams included. */
  readonly maxOpenReads?: number;
  /** Whether anybody may read `/metrics`. */
  readonly metricsOpen: boolean;
  /** Whether an error means that a dependency is unavailable; it is then answered as `unavailable`. */
  readonly isUnavailable?: (error: unknown) => boolean;
  /** Whether an error means that the disk of a database is full; it is then logged at most once a minute. */
  readonly isDiskFull?: (error: unknown) => boolean;
  /** The AsyncAPI document, if the service publishes events. */
  readonly asyncapi?: unknown;
};

export function createApp(settings: AppSettings): Express {
  const { logger, metrics, authenticate, checks } = settings;
  const described = [...settings.routes, ...healthRoutes(checks, logger, metrics)];
  const routes = [...described, ...referenceRoutes({ ...settings, routes: described })];
  const limits = createLimits({
    writesPerSecond: settings.ratePerSecond,
    readsPerSecond: settings.readsPerSecond,
    maxOpenReads: settings.maxOpenReads ?? MAX_OPEN_READS,
  });

  const app = express();
  app.disable('x-powered-by').disable('etag').disable('query parser');
  app.enable('strict routing').enable('case sensitive routing');
  app.use(begin(metrics, logger));
  for (const [path, atPath] of Map.groupBy(routes, ({ path }) => path)) {
    const atThisPath = app.route(routerPath(path));
    for (const route of atPath) atThisPath[route.method](serveRoute(route, { authenticate, limits }));
    atThisPath.all(refuseMethod(path, atPath, limits));
  }
  app.use(async (request) => {
    await limits.withoutToken(request.socket.remoteAddress);
    throw problem('not-found', 'No resource has this address. /openapi.json lists those that exist.');
  });
  app.use(answerError(settings));
  return app;
}

function begin(metrics: Metrics, logger: Logger): RequestHandler {
  return (request, response, next) => {
    const context = {
      id: requestIdFrom(request.headers['x-request-id'] as string | undefined),
      startedMs: performance.now(),
      route: 'none',
      caller: '',
    };
    setContext(response, context);
    response.on('close', () => {
      const seconds = (performance.now() - context.startedMs) / 1_000;
      const status = response.writableFinished ? response.statusCode : CLIENT_GONE;
      const { method } = request;
      metrics.observeRequest({ method, route: context.route, status }, seconds);
      logger.debug({ requestId: context.id, method, route: context.route, status, seconds }, 'answered');
    });
    const fault = faultOfHead(request);
    if (!fault && request.headers.expect !== undefined && request.httpVersionMinor > 0)
      response.writeContinue();
    next(fault);
  };
}

function refuseMethod(path: string, routes: readonly Route[], limits: Limits): RequestHandler {
  const methods = routes.map(({ method }) => (method === 'get' ? 'GET, HEAD' : method.toUpperCase()));
  const headers = { Allow: methods.join(', ') };
  return async (request, response) => {
    contextOf(response).route = path;
    await limits.withoutToken(request.socket.remoteAddress);
    if (request.method === 'OPTIONS') return sendAnswer(response, { status: 204, headers });
    throw problem('method-not-allowed', `This resource allows ${headers.Allow}.`, { headers });
  };
}

function answerError({
  logger,
  isUnavailable = () => false,
  isDiskFull = () => false,
}: Pick<AppSettings, 'logger' | 'isUnavailable' | 'isDiskFull'>): ErrorRequestHandler {
  let quietUntilMs = 0;
  /** Every write fails then; one line now and then is enough. */
  const logFullDisk = () => {
    if (performance.now() < quietUntilMs) return;
    quietUntilMs = performance.now() + FULL_DISK_QUIET_MS;
    logger.error('the disk of the database is full: writes fail until space is freed');
  };
  return async (error, request, response, _next) => {
    const { id, route } = contextOf(response);
    if (response.destroyed) return;
    if (response.headersSent) {
      const level = isUnavailable(error) ? 'warn' : 'error';
      logger[level]({ err: error, requestId: id, route }, 'an answer broke off');
      response.destroy();
      return;
    }
    const found = toProblem(error, { id, stopping: signalOf(response).aborted, isUnavailable });
    if (found.code === 'internal') logger.error({ err: error, requestId: id, route }, 'a request failed');
    else if (isDiskFull(error)) logFullDisk();
    else if (found.code === 'unavailable') logger.warn({ err: error, requestId: id, route }, 'not available');
    await sendAnswer(response, problemAnswer(found, request.path));
  };
}

function toProblem(
  error: unknown,
  {
    id,
    stopping,
    isUnavailable,
  }: { id: string; stopping: boolean; isUnavailable: (error: unknown) => boolean },
): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof URIError) return problem('invalid', 'The path is not percent-encoded UTF-8.');
  if (stopping && (error as Error | null)?.name === 'AbortError') {
    return problem('unavailable', 'The service is stopping: ask again.');
  }
  if (isUnavailable(error))
    return problem('unavailable', 'A required dependency does not answer: try again.');
  return problem('internal', `Something went wrong on our side. If it persists, report request ${id}.`);
}
