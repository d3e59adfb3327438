import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { splitLines } from './lines.ts';

const LIMITS = { maxLineBytes: 10, maxBytes: 1_000 };

async function* pieces(texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield Buffer.from(text);
}

async function split(texts: readonly string[], limits = LIMITS) {
  const lines: [string | undefined, number][] = [];
  for await (const some of splitLines(pieces(texts), limits)) {
    for (const { bytes, end } of some) lines.push([bytes?.toString(), end]);
  }
  return lines;
}

describe('lines', () => {
  test('come with the offset of the next one', async () => {
    expect(await split(['one\ntw', 'o\n', '\nlast'])).toEqual([
      ['one', 4],
      ['two', 8],
      ['', 9],
      ['last', 13],
    ]);
  });

  test('that are too long are dropped, and the others stay', async () => {
    expect(await split(['0123456789\n01234567', '890\nshort\n', '012345', '678', '90\n'])).toEqual([
      ['0123456789', 11],
      [undefined, 23],
      ['short', 29],
      [undefined, 41],
    ]);
  });

  test('are the same however the bytes arrive', async () => {
    const text = fc
      .array(fc.constantFrom('a', 'bc', '\n', 'é'), { maxLength: 60 })
      .map((parts) => parts.join(''));
    await fc.assert(
      fc.asyncProperty(text, fc.array(fc.nat(8), { maxLength: 20 }), async (whole, cuts) => {
        const bytes = Buffer.from(whole).toString('latin1');
        const parts: string[] = [];
        let at = 0;
        for (const length of cuts) {
          parts.push(bytes.slice(at, at + length));
          at += length;
        }
        parts.push(bytes.slice(at));
        expect(await split(parts)).toEqual(await split([bytes]));
      }),
    );
  });
});

test('more bytes than allowed are an error', async () => {
  await expect(split(['0\n'.repeat(400), '0\n'.repeat(200)])).rejects.toMatchObject({
    fault: 'feed-too-large',
  });
});
