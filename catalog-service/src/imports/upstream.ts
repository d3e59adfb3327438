import type { IncomingMessage } from 'node:http';
import type { FeedMark, Validator } from '../feed.ts';
import { FeedError } from '../job-failure.ts';
import { unreadableCodings } from './content-codings.ts';
import type { ImportLimits } from './limits.ts';
import { createRateFloor } from './rate-floor.ts';
import { receive } from './receive.ts';
import { type FeedRequestOptions, requestFeed, timedOut, toFeedError } from './request-feed.ts';

export type Upstream = {
  /** The bytes, from the mark on if `isContinued`, else from the file's start. Throws FeedError. */
  readonly body: AsyncIterable<Buffer>;
  readonly isContinued: boolean;
  readonly validator: Validator | null;
  /** Size of the whole file; null if it is unknown. */
  readonly totalBytes: number | null;
  /** Bytes of the file received so far, including those before the mark. */
  bytesRead(): number;
  /** Milliseconds waited for the host, from the request on. */
  waitedMs(): number;
  close(): void;
};

/**
 * Requests a file, or the rest of it after a mark if the file is unchanged. Throws FeedError; `upstream-away` means that the
 * same request may succeed later.
 */
export async function openUpstream(
  url: string,
  mark: FeedMark | undefined,
  requestOptions: FeedRequestOptions,
): Promise<Upstream> {
  const beganMs = performance.now();
  let range = mark && rangeHeaders(mark);
  let response = await requestFeed(url, range ?? {}, requestOptions);
  if (range && response.statusCode === 416) {
    // Nothing follows the mark, or the file has become shorter: read it from its start.
    response.destroy();
    range = undefined;
    response = await requestFeed(url, {}, requestOptions);
  }
  try {
    return usable(response, range && mark, requestOptions, performance.now() - beganMs);
  } catch (error) {
    response.destroy();
    throw error;
  }
}

/** `mark` is where the answer may continue. */
function usable(
  response: IncomingMessage,
  mark: FeedMark | undefined,
  { limits, signal, waitedBeforeMs }: FeedRequestOptions,
  askedMs: number,
): Upstream {
  requireStatus(response, mark ? [200, 206] : [200]);
  const isContinued = response.statusCode === 206;
  const offset = isContinued ? mark!.offset! : 0;
  if (isContinued) requireRest(response, mark!);
  const length = lengthOf(response);
  let bytes = offset;
  let waitedMs = askedMs;
  const isTooSlow = createRateFloor(limits);
  const { silenceTimeoutMs } = limits;
  const received = receive(response, {
    silenceTimeoutMs,
    onSilence: () => response.destroy(timedOut('next bytes', silenceTimeoutMs)),
    onWaited: (waited, came) => {
      waitedMs += waited;
      if (waitedBeforeMs + waitedMs >= limits.maxWaitMs) response.destroy(tooLong(limits));
      else if (isTooSlow(waited, came)) response.destroy(dripping(limits));
    },
  });

  async function* body(): AsyncGenerator<Buffer> {
    try {
      for await (const piece of received) {
        bytes += piece.length;
        if (bytes > limits.maxBytes) throw tooLarge(limits);
        yield piece;
      }
      signal.throwIfAborted();
    } catch (error) {
      throw signal.aborted ? signal.reason : toFeedError(error);
    }
  }

  return {
    body: body(),
    isContinued,
    validator: isContinued ? mark!.validator : validatorOf(response),
    totalBytes: length === null ? null : offset + length,
    bytesRead: () => bytes,
    waitedMs: () => waitedMs,
    close: () => response.destroy(),
  };
}

/**
 * Only an unchanged file can be continued, byte for byte (RFC 9110, 13.1.5). Otherwise the host answers with the whole file,
 * and also if it does not support ranges.
 */
function rangeHeaders({ offset, validator }: FeedMark): Record<string, string> | undefined {
  if (!offset || !validator?.strong) return undefined;
  return { range: `bytes=${offset}-`, 'if-range': validator.value };
}

function requireStatus({ statusCode = 0, headers }: IncomingMessage, wanted: readonly number[]): void {
  if (wanted.includes(statusCode)) {
    const codings = unreadableCodings(headers['content-encoding']);
    if (codings.length === 0) return;
    throw new FeedError(
      'feed-unreadable',
      `The host sends the feed with the content coding ${codings.join(', ')}; only gzip can be decoded.`,
    );
  }
  const mayPass = statusCode >= 500 || [408, 425, 429].includes(statusCode);
  throw new FeedError(
    mayPass ? 'upstream-away' : 'upstream-refused',
    `The host answered ${statusCode} to the request for the feed.`,
  );
}

/**
 * Throws unless the answer is the requested part; another part would be written in the wrong place (RFC 9110, 14.4).
 */
function requireRest({ headers }: IncomingMessage, { offset, validator }: FeedMark): void {
  const [, from] = /^bytes ([0-9]+)-/.exec(headers['content-range'] ?? '') ?? [];
  const isSame =
    headers.etag === undefined || [headers.etag, headers['last-modified']].includes(validator!.value);
  if (Number(from) !== offset || !isSame) {
    throw new FeedError(
      'upstream-refused',
      'The host answered with another part of the feed than requested.',
    );
  }
}

/**
 * The entity tag, else the time of the last modification. That time is strong only if it is long enough before the answer
 * (RFC 9110, 8.8.2.2).
 */
function validatorOf({ headers }: IncomingMessage): Validator | null {
  const { etag, date, 'last-modified': modified } = headers;
  if (etag) return { value: etag, strong: etag.startsWith('"') };
  if (!modified) return null;
  return { value: modified, strong: Date.parse(date ?? '') - Date.parse(modified) >= MODIFIED_BEFORE_MS };
}

const MODIFIED_BEFORE_MS = 60_000;

function lengthOf({ headers }: IncomingMessage): number | null {
  const length = headers['content-length'];
  return length === undefined ? null : Number(length);
}

const dripping = ({ minWindowBytes, rateWindowMs }: ImportLimits) =>
  new FeedError(
    'upstream-away',
    `The host sent less than ${minWindowBytes} bytes in ${rateWindowMs} ms, too few to keep its import slot.`,
  );

const tooLong = ({ maxWaitMs }: ImportLimits) =>
  new FeedError('upstream-too-slow', `The worker waited for the feed for ${maxWaitMs} ms in all.`);

const tooLarge = ({ maxBytes }: ImportLimits) =>
  new FeedError('feed-too-large', `The feed has more than ${maxBytes} bytes.`);
