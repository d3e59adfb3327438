/**
 * A body where none belongs. Nothing here gives it a meaning, and whoever sent it meant something, so it is refused and
 * never passed over; with GET and HEAD too, which RFC 9110 (9.3.1) allows.
 */
import type { IncomingMessage } from 'node:http';
import { problem } from '../problem.ts';

/** Rejects with `invalid` when the request has a body of at least one byte. */
export async function requireNoBody(request: IncomingMessage): Promise<void> {
  const { headers } = request;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
  if (headers['transfer-encoding'] !== undefined && (await endsWithoutByte(request))) return;
  throw problem('invalid', 'This takes no body: send the request without one.', {
    errors: [{ path: 'body', message: 'is not taken here' }],
  });
}

/** How long a body in chunks is, only its bytes tell. A connection that is lost ends the wait. */
const endsWithoutByte = (request: IncomingMessage): Promise<boolean> =>
  new Promise((resolve) => {
    request.once('data', () => resolve(false));
    for (const end of ['end', 'error', 'close']) request.once(end, () => resolve(true));
  });
