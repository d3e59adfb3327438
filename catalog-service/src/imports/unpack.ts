import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  Z_BUF_ERROR,
  Z_NO_FLUSH,
  Z_OK,
  Z_STREAM_END,
  ZStream,
  zlibInflate,
  zlibInflateInit2,
  zlibInflateReset,
} from 'pako';
import { FeedError } from '../job-failure.ts';

/** gzip's first two bytes (RFC 1952, 2.3.1); no text begins with them. */
const MAGIC = Buffer.from([0x1f, 0x8b]);

/**
 * A file's content, decompressed if its first bytes show that it is gzip. Throws FeedError if the gzip is damaged.
 */
export async function unpack(
  file: AsyncIterable<Buffer>,
): Promise<{ isPacked: boolean; content: AsyncIterable<Buffer> }> {
  const pieces = file[Symbol.asyncIterator]();
  let head = Buffer.alloc(0);
  while (head.length < MAGIC.length) {
    const { value, done } = await pieces.next();
    if (done) break;
    head = Buffer.concat([head, value]);
  }
  const isPacked = head.subarray(0, MAGIC.length).equals(MAGIC);
  const whole = withHead(head, pieces);
  return { isPacked, content: isPacked ? inflate(whole) : whole };
}

async function* withHead(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  for (let next = await rest.next(); !next.done; next = await rest.next()) yield next.value;
}

/** The most that one call of the decoder returns: small, so that it does not block for long. */
const OUTPUT_BYTES = 65_536;
/** Tells the decoder that the data are in gzip's format, with a window of 32 kB. */
const GZIP_WINDOW_BITS = 31;

/**
 * Decompresses one member of gzip after another (RFC 1952, 2.2). Yields what a damaged file contains before the damage, then
 * throws. Node's own decoder drops the output of the last bytes it was given, and with it the last rows of a file with a
 * wrong checksum. Bytes after the last member do not belong to the content.
 */
async function* inflate(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const decoder = new ZStream();
  zlibInflateInit2(decoder, GZIP_WINDOW_BITS);
  let isBetweenMembers = false;
  for await (const piece of file) {
    decoder.input = piece;
    decoder.next_in = 0;
    decoder.avail_in = piece.length;
    for (let mayHaveMore = true; mayHaveMore; ) {
      if (isBetweenMembers) {
        if (decoder.avail_in === 0) break;
        if (piece[decoder.next_in] !== MAGIC[0]) return;
        zlibInflateReset(decoder);
      }
      const { status, output } = decode(decoder);
      if (output.length > 0) yield output;
      isBetweenMembers = status === Z_STREAM_END;
      if (!isBetweenMembers && status !== Z_OK && status !== Z_BUF_ERROR) throw broken('is damaged');
      mayHaveMore = status !== Z_BUF_ERROR && (decoder.avail_in > 0 || output.length === OUTPUT_BYTES);
      await nextTurn();
    }
  }
  if (!isBetweenMembers) throw broken('ends too early');
}

function decode(decoder: ZStream): { status: number; output: Buffer } {
  decoder.output = new Uint8Array(OUTPUT_BYTES);
  decoder.next_out = 0;
  decoder.avail_out = OUTPUT_BYTES;
  const status = zlibInflate(decoder, Z_NO_FLUSH);
  return { status, output: Buffer.from(decoder.output.buffer, 0, decoder.next_out) };
}

const broken = (how: string) => new FeedError('feed-unreadable', `The compressed file ${how}.`);
