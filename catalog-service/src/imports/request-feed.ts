/**
 * Requests a feed from its host, over a connection of its own. It uses Node's own client, because `fetch` does not say which
 * address it connects to. It follows redirects itself, and checks each like the first address.
 */
import { type LookupAddress, lookup } from 'node:dns';
import { get as getHttp, type IncomingMessage } from 'node:http';
import { get as getHttps } from 'node:https';
import type { LookupFunction } from 'node:net';
import { type AllowedHosts, mayDial, notDialable, type Target, targetOf } from '../feed-hosts.ts';
import { FeedError } from '../job-failure.ts';
import type { ImportLimits } from './limits.ts';

/** Looks up all addresses of a name. */
export type Resolve = (name: string) => Promise<readonly LookupAddress[]>;

export type FeedRequestOptions = {
  readonly allowed: AllowedHosts;
  readonly limits: ImportLimits;
  /** Rejects whatever is in flight, with its reason. */
  readonly signal: AbortSignal;
  /** Milliseconds that earlier attempts waited for the same feed. */
  readonly waitedBeforeMs: number;
  readonly resolve?: Resolve;
};

/** Resolves with the answer's status and headers, whatever they are. Throws FeedError, or the signal's reason. */
export async function requestFeed(
  url: string,
  headers: Record<string, string>,
  options: FeedRequestOptions,
): Promise<IncomingMessage> {
  let target = targetOf(url, options.allowed);
  for (let redirects = 0; redirects <= options.limits.maxRedirects; redirects += 1) {
    const response = await requestOnce(target, headers, options);
    if (![301, 302, 303, 307, 308].includes(response.statusCode!) || !response.headers.location)
      return response;
    const location = toUriReference(response.headers.location);
    response.destroy();
    if (!URL.canParse(location, target.url.href)) break;
    target = targetOf(new URL(location, target.url).href, options.allowed);
  }
  throw new FeedError('upstream-refused', 'The host redirects too often, or to nowhere.');
}

/**
 * A `Location` should be ASCII (RFC 9110, 10.2.2). Hosts send other bytes too, in any encoding, and Node makes a character of
 * each byte. Percent-encoding them restores the very bytes that the host sent.
 */
const toUriReference = (location: string): string =>
  location.replace(/[\x80-\xff]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);

/**
 * Resolves with the status and headers of one answer. It refuses compression for the transfer, because a part of a compressed
 * transfer could not be decompressed.
 */
function requestOnce(
  target: Target,
  headers: Record<string, string>,
  options: FeedRequestOptions,
): Promise<IncomingMessage> {
  const { limits, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  let answer: IncomingMessage | undefined;
  const request = (target.url.protocol === 'https:' ? getHttps : getHttp)(
    target.url,
    {
      agent: false,
      headers: { accept: 'application/x-ndjson, text/csv, */*', 'accept-encoding': 'identity', ...headers },
      lookup: checkedLookup(target.port, options),
      signal,
    },
    (response) => {
      answer = response;
      resolve(response);
    },
  );
  const timers = [
    setTimeout(() => {
      if (request.socket?.connecting !== false)
        request.destroy(timedOut('connection', limits.connectTimeoutMs));
    }, limits.connectTimeoutMs),
    setTimeout(() => request.destroy(timedOut('answer', limits.silenceTimeoutMs)), limits.silenceTimeoutMs),
  ];
  request.on('error', (error) => {
    // Without a length Node takes a reset, too, for the end of the answer; but then it is incomplete (RFC 9112, 8).
    answer?.destroy(error);
    reject(signal.aborted ? signal.reason : toFeedError(error));
  });
  return promise.finally(() => {
    for (const timer of timers) clearTimeout(timer);
  });
}

/** Returns only allowed addresses to the client, so no later look-up can give it others. */
const checkedLookup =
  (port: number, { allowed, resolve = lookupAll }: FeedRequestOptions): LookupFunction =>
  (name, options, callback) => {
    resolve(name).then(
      (addresses) => {
        const dialable = addresses.filter(({ address }) => mayDial(address, port, allowed));
        const [first] = dialable;
        if (!first) callback(notDialable(), '', 0);
        else if (options.all) callback(null, [...dialable]);
        else callback(null, first.address, first.family);
      },
      (error) => callback(error, '', 0),
    );
  };

const lookupAll: Resolve = (name) =>
  new Promise((resolve, reject) => {
    lookup(name, { all: true }, (error, addresses) => (error ? reject(error) : resolve(addresses)));
  });

export const timedOut = (what: string, limitMs: number) =>
  new FeedError('upstream-away', `The host needed more than ${limitMs} ms for its ${what}.`);

/** Maps the client's errors. Shows only their codes, because their texts may contain addresses. */
export function toFeedError(error: unknown): Error {
  if (error instanceof FeedError) return error;
  const { code = 'an error' } = error as NodeJS.ErrnoException;
  return new FeedError('upstream-away', `The connection to the host failed (${code}).`);
}
