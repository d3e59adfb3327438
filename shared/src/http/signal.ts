/**
 * One AbortSignal for each answer that is being worked on, made only when somebody asks for it. It fires when the
 * client goes before it has its answer, and when the server stops.
 */
import type { ServerResponse } from 'node:http';

const controllers = new WeakMap<ServerResponse, AbortController>();

export function signalOf(response: ServerResponse): AbortSignal {
  return controllerOf(response).signal;
}

/** Tells whoever works on this answer to give it now, because the server stops. */
export function endEarly(response: ServerResponse): void {
  controllerOf(response).abort();
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
