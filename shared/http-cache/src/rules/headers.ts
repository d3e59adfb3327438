/** Headers of answers: which may be kept, and what a 304 changes in them. */
import type { HttpHeaders } from '@micromart/http/client/http-client';

/** They belong to one connection (RFC 9110, 7.6.1; RFC 9111, 3.1). */
const HOP_BY_HOP = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** They tell of the body that is kept, which a 304 does not bring (RFC 9111, 3.2). */
const OF_THE_BODY = new Set(['content-encoding', 'content-length', 'content-md5', 'content-range', 'etag']);

/** They tell of the message: when it was made, and how old it is. */
const OF_THE_MESSAGE = new Set(['age', 'date', 'cache-status']);

/** Without what belongs to the connection, and what `Connection` names. */
export function endToEnd(headers: HttpHeaders): HttpHeaders {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return pick(headers, (name) => !HOP_BY_HOP.has(name) && !named.includes(name));
}

/** What is kept, brought up to date by a 304 (RFC 9111, 4.3.4). */
export const freshened = (stored: HttpHeaders, notModified: HttpHeaders): HttpHeaders => ({
  ...pick(stored, (name) => !OF_THE_MESSAGE.has(name)),
  ...pick(notModified, (name) => !(OF_THE_BODY.has(name) && name in stored)),
});

/** What a 304 to the caller says of an answer that it has (RFC 9110, 15.4.5). */
export const withoutBody = (headers: HttpHeaders): HttpHeaders =>
  pick(headers, (name) => name !== 'content-length');

const pick = (headers: HttpHeaders, isMeant: (name: string) => boolean): HttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isMeant(name)));
