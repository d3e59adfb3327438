/**
 * Refuses a body on a route that takes none. Its sender meant something by it, so it is not ignored. RFC 9110 (9.3.1)
 * allows refusing it for GET and HEAD too.
 */
import type { IncomingMessage } from 'node:http';
import { problem } from '../problem.ts';

/** Rejects with `invalid` when the request has a body of at least one byte. */
export async function requireNoBody(request: IncomingMessage): Promise<void> {
  const { headers } = request;
  if (headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0) return;
  if (headers['transfer-encoding'] !== undefined && (await endsWithoutByte(request))) return;
  throw problem('invalid', 'This request takes no body: send it without one.', {
    errors: [{ path: 'body', message: 'is not accepted here' }],
  });
}

/** Only the bytes tell how long a chunked body is. A lost connection ends the wait. */
const endsWithoutByte = (request: IncomingMessage): Promise<boolean> =>
  new Promise((resolve) => {
    request.once('data', () => resolve(false));
    for (const end of ['end', 'error', 'close']) request.once(end, () => resolve(true));
  });
