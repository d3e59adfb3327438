/**
 * Reads a request's JSON body: at most 100 kB, UTF-8, uncompressed, and not so deeply nested that recursive code could
 * overflow the stack. The server discards the rest of a refused body as it arrives.
 */
import type { IncomingMessage } from 'node:http';
import { MIMEType } from 'node:util';
import { problem } from '../problem.ts';

const MAX_BODY_BYTES = 100_000;
const MAX_DEPTH = 64;
const JSON_TYPE = 'application/json';

const decoder = new TextDecoder('utf-8', { fatal: true });

/** The parsed body, or undefined when the request has none. Rejects with `unsupported-media-type`, `too-large` or `invalid`. */
export async function readJson(request: IncomingMessage): Promise<unknown> {
  const { headers } = request;
  const length = headers['content-length'];
  if (length === '0' || (length === undefined && headers['transfer-encoding'] === undefined))
    return undefined;
  if (!isJson(headers['content-type'] ?? '')) {
    throw problem('unsupported-media-type', 'Send the body as "Content-Type: application/json".', {
      headers: { Accept: JSON_TYPE },
    });
  }
  if (isCoded(headers['content-encoding'])) {
    throw problem('unsupported-media-type', 'Send the body without a Content-Encoding.', {
      headers: { 'Accept-Encoding': 'identity' },
    });
  }
  if (Number(length) > MAX_BODY_BYTES) throw tooLarge();
  return parse(await readBytes(request));
}

/** `application/json` with any parameters, which mean nothing for JSON (RFC 8259, 11), or a semicolon without one. */
function isJson(contentType: string): boolean {
  if (contentType === JSON_TYPE) return true;
  try {
    return new MIMEType(contentType).essence === JSON_TYPE;
  } catch {
    return false;
  }
}

/** Whether a list of codings, which may have empty elements (RFC 9110, 8.4 and 5.6.1.2), names any but `identity`. */
const isCoded = (contentEncoding = ''): boolean =>
  contentEncoding.split(',').some((element) => !['', 'identity'].includes(element.trim().toLowerCase()));

const tooLarge = () =>
  problem('too-large', `A body may have at most ${MAX_BODY_BYTES} bytes: send it in parts.`);

function readBytes(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= MAX_BODY_BYTES) return void chunks.push(chunk);
      chunks.length = 0;
      if (bytes - chunk.length <= MAX_BODY_BYTES) reject(tooLarge());
    };
    const onEnd = () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks));
    const onLoss = () => {
      if (!request.complete) reject(problem('invalid', 'The body ended before it was complete.'));
    };
    request.on('data', onData).on('end', onEnd).on('error', onLoss).on('close', onLoss);
  });
}

function parse(bytes: Buffer): unknown {
  if (depthOf(bytes) > MAX_DEPTH) {
    throw problem('invalid', `The body is nested more than ${MAX_DEPTH} levels deep.`);
  }
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch {
    throw problem('invalid', 'The body is not valid JSON in UTF-8.');
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** How deeply arrays and objects are nested in a JSON text. For any other text the number means nothing. */
export function depthOf(json: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let n = 0; n < json.length; n += 1) {
    const byte = json[n] as number;
    if (inString) {
      if (byte === BACKSLASH) n += 1;
      else if (byte === QUOTE) inString = false;
    } else if (byte === QUOTE) inString = true;
    // '[' and '{' differ in one bit, and so do ']' and '}'.
    else if ((byte | 0x20) === 0x7b) deepest = Math.max(deepest, ++depth);
    else if ((byte | 0x20) === 0x7d) depth -= 1;
  }
  return deepest;
}
