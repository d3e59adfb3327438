/**
 * Reads a feed in chunks. Each is complete before it is yielded, so while it waits for the upstream, it holds only what has
 * arrived of the next chunk. It continues where an earlier reading stopped, if the file is the same:
 *
 * - by requesting the rest, if bytes can be counted and the host supports ranges;
 * - otherwise from the start, skipping the lines that were read.
 *
 * If a feed turns out to be damaged or too large, the lines before that are yielded first.
 */
import type { FeedLine } from '@micromart/contracts/catalog/product';
import {
  type FeedFormat,
  type FeedMark,
  formatOf,
  isSameFile,
  type LineRead,
  markStart,
  readCsvLine,
  readJsonLine,
  UNKNOWN_FORMAT,
} from '../feed.ts';
import { MAX_LINES } from '../job.ts';
import { FeedError } from '../job-failure.ts';
import { parseCsvLines } from './csv.ts';
import { splitLines } from './lines.ts';
import type { FeedRequestOptions } from './request-feed.ts';
import { unpack } from './unpack.ts';
import { openUpstream, type Upstream } from './upstream.ts';

/** `row` is the number of the line, from 1. */
export type FeedRow = { readonly row: number } & (
  | { readonly product: FeedLine }
  | { readonly message: string }
);

export type FeedChunk = {
  readonly rows: readonly FeedRow[];
  /** The position after the chunk. */
  readonly mark: FeedMark;
  /** Bytes of the file received so far. */
  readonly bytes: number;
  /** Milliseconds waited for the host since the chunk before. */
  readonly waitedMs: number;
  readonly isLast: boolean;
};

export type Feed = {
  /** Whether reading continues from the given mark. */
  readonly isContinued: boolean;
  /** Where reading starts. */
  readonly mark: FeedMark;
  readonly totalBytes: number | null;
  /** Throws FeedError. */
  readonly chunks: AsyncIterable<FeedChunk>;
  close(): void;
};

/** Opens a feed. Reads it from the mark if the file is still the same, otherwise from its start. */
export async function openFeed(
  url: string,
  mark: FeedMark | undefined,
  requestOptions: FeedRequestOptions,
): Promise<Feed> {
  const upstream = await openUpstream(url, mark, requestOptions);
  const { isContinued: isRest, validator, totalBytes } = upstream;
  const isContinued = isRest || (mark !== undefined && isSameFile(mark.validator, validator));
  const from = isContinued && mark ? mark : markStart(validator);
  return {
    isContinued,
    mark: from,
    totalBytes,
    chunks: readChunks(upstream, from, requestOptions),
    close: upstream.close,
  };
}

type PendingLine = { readonly row: number; readonly text: string | undefined };

async function* readChunks(
  upstream: Upstream,
  from: FeedMark,
  { limits }: FeedRequestOptions,
): AsyncGenerator<FeedChunk> {
  const { isPacked, content } = upstream.isContinued
    ? { isPacked: false, content: upstream.body }
    : await unpack(upstream.body);
  const firstByte = upstream.isContinued ? from.offset! : 0;
  let { format } = from;
  let line = upstream.isContinued ? from.line : 0;
  let offset = firstByte;
  let pending: PendingLine[] = [];
  let reportedMs = 0;

  const chunk = (isLast: boolean): FeedChunk => {
    const rows = readLines(format, pending);
    pending = [];
    const mark = { ...from, line, offset: isPacked ? null : offset, format };
    const waitedMs = upstream.waitedMs() - reportedMs;
    reportedMs += waitedMs;
    return { rows, mark, bytes: upstream.bytesRead(), waitedMs, isLast };
  };

  const size = { maxLineBytes: limits.maxLineBytes, maxBytes: limits.maxUnpackedBytes };
  try {
    for await (const lines of splitLines(content, size)) {
      for (const { bytes, end } of lines) {
        if (line === MAX_LINES) {
          throw new FeedError('feed-too-large', `The feed has more than ${MAX_LINES} lines.`);
        }
        line += 1;
        offset = firstByte + end;
        if (line <= from.line) continue;
        const text = bytes && decode(bytes);
        if (text?.trim() === '') continue;
        if (!format) {
          format = readFormat(text);
          if (format.kind === 'csv') continue;
        }
        pending.push({ row: line, text });
        if (pending.length === limits.chunkRows) yield chunk(false);
      }
    }
  } catch (error) {
    if (!format || !(error instanceof FeedError) || error.fault === 'upstream-away') throw error;
    // Another attempt would end here too, so the lines before are all there is.
    if (pending.length > 0) yield chunk(false);
    throw new FeedError(error.fault, `${error.message} The feed was read up to line ${line}.`);
  }
  if (!format) throw new FeedError('feed-unreadable', 'The feed is empty.');
  yield chunk(true);
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** Undefined if the bytes are not UTF-8. Drops a byte order mark, and the carriage return before a line's end. */
function decode(bytes: Buffer): string | undefined {
  try {
    return utf8.decode(bytes).replace(/\r$/, '');
  } catch {
    return undefined;
  }
}

function readFormat(firstLine: string | undefined): FeedFormat {
  const format = formatOf(firstLine ?? '');
  if (!format) throw new FeedError('feed-unreadable', UNKNOWN_FORMAT);
  return format;
}

const UNREADABLE: LineRead = { message: 'is too long, or is not UTF-8' };

function readLines(format: FeedFormat | null, lines: readonly PendingLine[]): FeedRow[] {
  const texts = lines.map(({ text }) => text).filter((text) => text !== undefined);
  const cells = format?.kind === 'csv' ? parseCsvLines(texts) : [];
  let next = 0;
  return lines.map(({ row, text }) => {
    if (text === undefined) return { row, ...UNREADABLE };
    const read = format?.kind === 'csv' ? readCsvLine(format.columns, cells[next]) : readJsonLine(text);
    next += 1;
    return { row, ...read };
  });
}
