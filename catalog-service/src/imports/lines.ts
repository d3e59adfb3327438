import { FeedError } from '../job-failure.ts';

export type Line = {
  /** Undefined if the line is too long to be read. */
  readonly bytes: Buffer | undefined;
  /** Where the next line begins: bytes since the beginning of all lines. */
  readonly end: number;
};

const NEWLINE = 0x0a;

/**
 * Splits bytes into lines, and yields the lines that end in each piece together. Holds no more than the longest line,
 * whatever is sent. Throws FeedError when there are more than `maxBytes`.
 */
export async function* splitLines(
  pieces: AsyncIterable<Buffer>,
  { maxLineBytes, maxBytes }: { maxLineBytes: number; maxBytes: number },
): AsyncGenerator<Line[]> {
  let begun: Buffer[] = [];
  let begunBytes = 0;
  let total = 0;

  /** Completes the current line by its last part; undefined if it is too long. */
  const complete = (rest: Buffer): Buffer | undefined => {
    const length = begunBytes + rest.length;
    const bytes =
      length > maxLineBytes ? undefined : begun.length > 0 ? Buffer.concat([...begun, rest]) : rest;
    begun = [];
    begunBytes = 0;
    return bytes;
  };

  for await (const piece of pieces) {
    if (total + piece.length > maxBytes) {
      throw new FeedError('feed-too-large', `The feed has more than ${maxBytes} bytes.`);
    }
    const lines: Line[] = [];
    let start = 0;
    for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, start)) {
      lines.push({ bytes: complete(piece.subarray(start, at)), end: total + at + 1 });
      start = at + 1;
    }
    if (start < piece.length) {
      begunBytes += piece.length - start;
      if (begunBytes <= maxLineBytes) begun.push(piece.subarray(start));
      else begun = [];
    }
    total += piece.length;
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [{ bytes: complete(Buffer.alloc(0)), end: total }];
}
