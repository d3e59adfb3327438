import { pipeline, Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { FeedError } from '../setback.ts';

/** gzip's first two bytes (RFC 1952, 2.3.1); no text begins with them. */
const MAGIC = Buffer.from([0x1f, 0x8b]);

/** A file's content, unpacked where it is compressed, which its first bytes tell. Throws FeedError when gzip is broken. */
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

async function* inflate(file: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const gunzip = createGunzip();
  // An error of either end reaches whoever reads the other; the callback has nothing to add.
  pipeline(Readable.from(file, { objectMode: false }), gunzip, () => {});
  try {
    for await (const piece of gunzip) yield piece;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (!code.startsWith('Z_')) throw error;
    const fault = code === 'Z_BUF_ERROR' ? 'ends too early' : 'is damaged';
    throw new FeedError('feed-unreadable', `The compressed file ${fault}.`);
  }
}
