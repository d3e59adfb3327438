import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { type Cell, csvText, sendCsv } from './csv.ts';

type Response = Parameters<typeof sendCsv>[0];
const NEVER = { signal: new AbortController().signal };

test('begins with a row of names, also where there is nothing else, and ends each row with CR LF', () => {
  expect(csvText(['a', 'b'], [], true)).toBe('a,b\r\n');
  expect(csvText(['a', 'b'], [['x', 1]], true)).toBe('a,b\r\nx,1\r\n');
  expect(csvText(['a', 'b'], [['x', 1]], false)).toBe('x,1\r\n');
});

test.each([
  ['=1+1', "'=1+1"],
  ['+1', "'+1"],
  ['-1', "'-1"],
  ['@SUM(A1)', "'@SUM(A1)"],
  ['\t=1', "'\t=1"],
  ['\r=1', '"\'\r=1"'],
  ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
  ['Grün, "süß"', '"Grün, ""süß"""'],
  ['two\nlines', '"two\nlines"'],
  ['tea', 'tea'],
])('writes the text %j so that no spreadsheet calculates it', (cell, written) => {
  expect(csvText(['a'], [[cell]], false)).toBe(`${written}\r\n`);
});

test('never changes a number, and leaves out what there is not', () => {
  fc.assert(
    fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
      expect(Number(csvText(['a'], [[number]], false))).toBe(number === 0 ? 0 : number);
    }),
  );
  expect(csvText(['a', 'b', 'c', 'd'], [[-1, null, undefined, 0]], false)).toBe('-1,,,0\r\n');
});

async function* pagesOf(...pages: Cell[][][]) {
  yield* pages;
}

test('sends page by page, with one row of names', async () => {
  const response = new PassThrough();
  const sent = text(response);
  await sendCsv(response as unknown as Response, ['n'], pagesOf([[1], [2]], [[3]]), NEVER);
  expect(await sent).toBe('n\r\n1\r\n2\r\n3\r\n');
});

/** Takes nothing until it is read. */
const slow = () => new PassThrough({ highWaterMark: 1 }) as unknown as Response;

test('reads no further than a client takes, and gives up one that takes too long', async () => {
  let pages = 1;
  async function* endless() {
    for (; ; pages += 1) yield [[pages]];
  }
  await expect(sendCsv(slow(), ['n'], endless(), { ...NEVER, maxMs: 10 })).rejects.toThrow(/abort|time/i);
  expect(pages).toBe(1);
});

test('ends when the client has gone', async () => {
  const gone = new AbortController();
  const sending = sendCsv(slow(), ['n'], pagesOf([[1]], [[2]]), { signal: gone.signal });
  gone.abort();
  await expect(sending).rejects.toThrow(/abort/i);
});
