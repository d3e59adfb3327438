/** What is known about a request from its arrival on. It lives as long as its response. */
import type { Response } from 'express';

export type RequestContext = {
  readonly id: string;
  /** In milliseconds, by the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The declared path, once the route is known. */
  route: string;
  /** The caller's subject, once it is known; empty before that, and on open routes. */
  caller: string;
};

export const setContext = (response: Response, context: RequestContext): void => {
  response.locals.context = context;
};

export function contextOf(response: Response): RequestContext {
  const { context } = response.locals;
  if (!context) throw new Error('the request has no context: it did not pass the first middleware');
  return context;
}
