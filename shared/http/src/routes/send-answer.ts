/** Writes an answer to its response, with defaults for the headers that it does not set. */
import type { Response } from 'express';
import type { Answer } from '../route.ts';
import { contextOf } from './request-context.ts';
import { securityHeaders } from './security-headers.ts';

/** Headers of an answer that does not set them. An answer that says nothing of caching must not be stored. */
const DEFAULTS = [...securityHeaders, ['Cache-Control', 'no-store'] as const].map(
  ([name, value]) => ({ name, value, key: name.toLowerCase() }) as const,
);

/** Sends `answer`. A `body` without a content type is JSON, a `text` is plain text. */
export async function sendAnswer(
  response: Response,
  { status, headers = {}, body, text, stream }: Answer,
): Promise<void> {
  if (response.destroyed) return;
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  const head = ['X-Request-Id', contextOf(response).id];
  const said = new Set<string>();
  for (const name in headers) {
    said.add(name.toLowerCase());
    head.push(name, headers[name] as string);
  }
  for (const { name, value, key } of DEFAULTS) if (!said.has(key)) head.push(name, value);
  if (payload !== undefined && !stream) {
    if (!said.has('content-type'))
      head.push('Content-Type', text === undefined ? 'application/json' : 'text/plain; charset=utf-8');
    head.push('Content-Length', String(Buffer.byteLength(payload)));
  }
  // All at once: set one by one, Node keeps, copies and checks each header more than once.
  response.writeHead(status, head);
  if (stream) {
    response.flushHeaders();
    await stream(response);
  } else {
    response.end(payload);
  }
}
