import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { unpack } from './unpack.ts';

async function* pieces(file: Buffer, pieceBytes: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < file.length; at += pieceBytes) yield file.subarray(at, at + pieceBytes);
}

/** The decompressed content of a file, and how it ends. */
async function unpacked(file: Buffer, pieceBytes = 4_096) {
  const out: Buffer[] = [];
  try {
    const { content } = await unpack(pieces(file, pieceBytes));
    for await (const piece of content) out.push(Buffer.from(piece));
  } catch (error) {
    return { content: Buffer.concat(out), error: (error as Error).message };
  }
  return { content: Buffer.concat(out) };
}

const rows = (count: number, from = 0) =>
  Buffer.from(
    Array.from({ length: count }, (_, n) => `{"id":"p${from + n}","n":${(n * 7_919) % 1_000}}\n`).join(''),
  );
/** The content of the intact beginning of a compressed file. */
const beginning = (file: Buffer, bytes: number) =>
  gunzipSync(file.subarray(0, bytes), { finishFlush: constants.Z_SYNC_FLUSH });

const CONTENT = rows(3_000);
const FILE = gzipSync(CONTENT);
const HEADER_BYTES = 10;
const pieceSizes = fc.integer({ min: 1, max: 9_000 });

describe('a compressed file', () => {
  test('is decompressed however its bytes arrive, with all of its members, and without what follows them', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat(400), { minLength: 1, maxLength: 4 }),
        pieceSizes,
        fc.constantFrom('', '\0\0\0\0', 'tail'),
        async (members, pieceBytes, tail) => {
          const contents = members.map((count, n) => rows(count, n * 1_000));
          const file = Buffer.concat([...contents.map((content) => gzipSync(content)), Buffer.from(tail)]);
          const out = await unpacked(file, pieceBytes);
          expect(out.error).toBeUndefined();
          expect(out.content.equals(Buffer.concat(contents))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that ends early yields all content before its end, wherever that is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: HEADER_BYTES, max: FILE.length - 1 }),
        pieceSizes,
        async (bytes, size) => {
          const { content, error } = await unpacked(FILE.subarray(0, bytes), size);
          expect(error).toBe('The compressed file ends too early.');
          expect(content.equals(beginning(FILE, bytes))).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  test('that is damaged yields all content before the damage, wherever that is', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: HEADER_BYTES, max: FILE.length - 1 }),
        fc.integer({ min: 1, max: 255 }),
        pieceSizes,
        async (at, change, size) => {
          const damaged = Buffer.from(FILE);
          damaged[at]! ^= change;
          const { content, error } = await unpacked(damaged, size);
          // Some bits have no meaning, such as those that pad the last byte.
          if (!content.equals(CONTENT) || error !== undefined) {
            expect(error).toMatch(/^The compressed file (is damaged|ends too early)\.$/);
          }
          const intact = beginning(FILE, at);
          expect(content.subarray(0, intact.length).equals(intact)).toBe(true);
        },
      ),
      { numRuns: 100 },
    );
  });

  test('with only a wrong checksum yields all of its content', async () => {
    const damaged = Buffer.from(FILE);
    damaged[FILE.length - 8]! ^= 1;
    const { content, error } = await unpacked(damaged);
    expect([content.length, error]).toEqual([CONTENT.length, 'The compressed file is damaged.']);
  });

  test('leaves time for other work while it is decompressed, even if little becomes very much', async () => {
    const bomb = gzipSync(Buffer.alloc(30_000_000));
    let turns = 0;
    const counting = setInterval(() => {
      turns += 1;
    }, 0);
    const { content } = await unpacked(bomb, bomb.length);
    clearInterval(counting);
    expect(content.length).toBe(30_000_000);
    expect(turns).toBeGreaterThan(5);
  });
});

test('an uncompressed file stays unchanged, even if it is shorter than the two bytes that decide', async () => {
  for (const text of ['', 'x', 'plain\n', '\u001f']) {
    expect((await unpacked(Buffer.from(text), 1)).content.toString()).toBe(text);
  }
});
