/** What is known of a request from its arrival on; it lives and dies with its response. */
import type { ServerResponse } from 'node:http';

export type RequestContext = {
  readonly id: string;
  /** On the clock of `performance.now()`. */
  readonly startedMs: number;
  /** The declared path, once a route has been found. */
  route: string;
  /** The caller's subject, once it is known; empty before, and on open routes. */
  caller: string;
};

const contexts = new WeakMap<ServerResponse, RequestContext>();

export const setContext = (response: ServerResponse, context: RequestContext): void => {
  contexts.set(response, context);
};

export function contextOf(response: ServerResponse): RequestContext {
  const context = contexts.get(response);
  if (!context) throw new Error('the request has no context: it did not pass the first middleware');
  return context;
}
