/** Puts an answer on the wire, once and whole, with nothing added but what it leaves unsaid. */
import type { Response } from 'express';
import type { Answer } from './route.ts';

/** Sends `answer`. One that says nothing of caching is not to be stored; one without a type is JSON, or plain text. */
export async function send(
  response: Response,
  { status, headers, body, text, stream }: Answer,
): Promise<void> {
  if (response.destroyed) return;
  const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
  response.statusCode = status;
  response.setHeader('Cache-Control', 'no-store');
  for (const name in headers) response.setHeader(name, headers[name] as string);
  if (stream) {
    response.flushHeaders();
    await stream(response);
  } else if (payload === undefined) {
    response.end();
  } else {
    if (!response.hasHeader('Content-Type')) {
      response.setHeader(
        'Content-Type',
        text === undefined ? 'application/json' : 'text/plain; charset=utf-8',
      );
    }
    response.setHeader('Content-Length', Buffer.byteLength(payload));
    response.end(payload);
  }
}
