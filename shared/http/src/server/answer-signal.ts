/**
 * One AbortSignal for each answer in progress, made on first use. It aborts when the client leaves before it has its
 * answer, and when the server stops.
 */
import type { ServerResponse } from 'node:http';

/** The reason of a signal that aborts because the server stops. */
const STOPPING = new DOMException('the service is stopping', 'AbortError');

const controllers = new WeakMap<ServerResponse, AbortController>();

export function signalOf(response: ServerResponse): AbortSignal {
  return controllerOf(response).signal;
}

/** Makes the handler of this answer finish now, because the server stops. */
export function endEarly(response: ServerResponse): void {
  controllerOf(response).abort(STOPPING);
}

/** Whether a signal of these aborted because the server stops. */
export const isStopping = (signal: AbortSignal): boolean => signal.reason === STOPPING;

/** A signal that aborts like the given one, but `graceMs` later if the server stops. */
export function withGrace(signal: AbortSignal, graceMs: number): AbortSignal {
  const controller = new AbortController();
  const onAbort = () => {
    if (isStopping(signal)) setTimeout(() => controller.abort(STOPPING), graceMs).unref();
    else controller.abort(signal.reason);
  };
  if (signal.aborted) onAbort();
  else signal.addEventListener('abort', onAbort, { once: true });
  return controller.signal;
}

function controllerOf(response: ServerResponse): AbortController {
  const known = controllers.get(response);
  if (known) return known;
  const controller = new AbortController();
  controllers.set(response, controller);
  const onClose = () => {
    if (!response.writableFinished) controller.abort();
  };
  if (response.destroyed) onClose();
  else response.once('close', onClose);
  return controller;
}
