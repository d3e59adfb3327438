/** Serves one declared route: authenticates, authorises, limits and validates, then runs the handler and sends its answer. */
import type { Request, RequestHandler, Response } from 'express';
import { type Authenticate, type Caller, NOBODY } from '../authentication/authentication.ts';
import { applyPreconditions, type Preconditions } from '../conditional/preconditions.ts';
import { isUnlimited, type Limits } from '../limits.ts';
import { Problem, problem } from '../problem.ts';
import { readJson } from '../request/body.ts';
import { requireNoBody } from '../request/no-body.ts';
import { traceparentFrom } from '../request/trace.ts';
import type { Route, RouteRequest } from '../route.ts';
import { signalOf } from '../server/answer-signal.ts';
import { contextOf } from './request-context.ts';
import { sendAnswer } from './send-answer.ts';
import { watchAnswer, watchError } from './undeclared-answers.ts';
import { type Input, validate } from './validate.ts';

type Guards = { readonly authenticate: Authenticate; readonly limits: Limits };

/** Errors go to the application's error handler. */
export function serveRoute(route: Route, guards: Guards): RequestHandler {
  return async (request, response) => {
    contextOf(response).route = route.path;
    const caller = await callerOf(route, request, guards);
    contextOf(response).caller = caller.subject;
    const end = caller === NOBODY ? undefined : await guards.limits[route.write ? 'write' : 'read'](caller);
    try {
      const body = route.body ? await readJson(request) : await requireNoBody(request);
      const input = validate(route, request, body);
      const handled = await route.handle(new HandledRequest(caller, input, request, response));
      const byAnswer = route.preconditions === 'by-answer';
      const answer = byAnswer ? applyPreconditions(handled, input.preconditions) : handled;
      watchAnswer(route, answer);
      await sendAnswer(response, answer);
    } catch (error) {
      watchError(route, error);
      throw error;
    } finally {
      end?.();
    }
  };
}

/**
 * What a handler receives. Signal and trace are made on first use. It is a class because V8 gives each object literal with
 * accessors a hidden class of its own, which keeps request and response in memory until a full collection of the heap.
 */
class HandledRequest implements RouteRequest<unknown, unknown, unknown, unknown> {
  readonly id: string;
  readonly params: unknown;
  readonly query: unknown;
  readonly headers: unknown;
  readonly body: unknown;
  readonly preconditions: Preconditions;
  readonly caller: Caller;
  readonly raw: Request;
  readonly #response: Response;

  constructor(caller: Caller, input: Input, raw: Request, response: Response) {
    this.id = contextOf(response).id;
    this.params = input.params;
    this.query = input.query;
    this.headers = input.headers;
    this.body = input.body;
    this.preconditions = input.preconditions;
    this.caller = caller;
    this.raw = raw;
    this.#response = response;
  }

  get signal(): AbortSignal {
    return signalOf(this.#response);
  }

  get traceparent(): string {
    return traceparentFrom(this.raw.headers.traceparent as string | undefined);
  }
}

async function callerOf(route: Route, request: Request, { authenticate, limits }: Guards): Promise<Caller> {
  const { roles, path } = route;
  if (roles === 'open') {
    if (!isUnlimited(path)) await limits.withoutToken(request.socket.remoteAddress);
    return NOBODY;
  }
  try {
    const caller = await authenticate(soleAuthorization(request));
    if (roles.some((role) => caller.roles.includes(role))) return caller;
  } catch (error) {
    if (error instanceof Problem && error.code === 'unauthenticated')
      await limits.withoutToken(request.socket.remoteAddress);
    throw error;
  }
  throw problem('forbidden', `This needs the role ${roles.join(' or ')}.`);
}

/** Node keeps the first of several Authorization headers, but a proxy before us may have checked another. */
function soleAuthorization({ headers, rawHeaders }: Request): string | undefined {
  let count = 0;
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] as string;
    if (name.length === 13 && name.toLowerCase() === 'authorization') count += 1;
  }
  if (count > 1) throw problem('unauthenticated', 'There is more than one Authorization header: send one.');
  return headers.authorization;
}
