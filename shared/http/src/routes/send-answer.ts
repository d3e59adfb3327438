/** Puts an answer on the wire, once and whole, with nothing added but what it leaves unsaid. */
import type { Response } from 'express';
import type { Answer } from '../route.ts';
import { contextOf } from './request-context.ts';
import { securityHeaders } from './security-headers.ts';

/** What an answer says where it says nothing else of it. One that says nothing of caching is not to be stored. */
const DEFAULTS = [...securityHeaders, ['Cache-Control', 'no-store'] as const].map(
  ([name, value]) => ({ name, value, key: name.toLowerCase() }) as const,
);

/** Sends `answer`. A body without a type is JSON, a text plain text. */
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
  // All at once: set one by one, Node keeps, copies and checks each of them more than once.
  response.writeHead(status, head);
  if (stream) {
    response.flushHeaders();
    await stream(response);
  } else {
    response.end(payload);
  }
}
