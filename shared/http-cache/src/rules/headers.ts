/** Headers of answers: which may be stored, and which of them a 304 changes. */
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

/** They describe the stored body, which a 304 does not carry (RFC 9111, 3.2). */
const OF_THE_BODY = new Set(['content-encoding', 'content-length', 'content-md5', 'content-range', 'etag']);

/** They describe one message: when it was made, and how old it is. */
const OF_THE_MESSAGE = new Set(['age', 'date', 'cache-status']);

/** Removes the headers of the connection, and those that `Connection` names. */
export function endToEnd(headers: HttpHeaders): HttpHeaders {
  const named = (headers.connection ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim());
  return pick(headers, (name) => !HOP_BY_HOP.has(name) && !named.includes(name));
}

/** The stored headers, updated by a 304 (RFC 9111, 4.3.4). */
export const freshened = (stored: HttpHeaders, notModified: HttpHeaders): HttpHeaders => ({
  ...pick(stored, (name) => !OF_THE_MESSAGE.has(name)),
  ...pick(notModified, (name) => !(OF_THE_BODY.has(name) && name in stored)),
});

/** The headers of a 304 to a caller that has the answer (RFC 9110, 15.4.5). */
export const withoutBody = (headers: HttpHeaders): HttpHeaders =>
  pick(headers, (name) => name !== 'content-length');

const pick = (headers: HttpHeaders, isMeant: (name: string) => boolean): HttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => isMeant(name)));
