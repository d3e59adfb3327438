/** What is known of a request from its arrival on; it lives and dies with its response. */
import type { Response } from 'express';

export type RequestContext = {
  readonly id: string;
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The declared path, once a route has been found. */
  route: string;
  /** The caller's subject, once it is known; empty before, and on open routes. */
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
