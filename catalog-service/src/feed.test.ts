import { describe, expect, test } from '@jest/globals';
import { MAX_AMOUNT } from '@micromart/contracts/money';
import fc from 'fast-check';
import { formatOf, isSameFile, readCsvLine, readFeedUrl, readJsonLine } from './feed.ts';

const HEADER = 'product_id,name,department,category,brand,size,price_cents';

describe('the first line', () => {
  test('distinguishes JSON from CSV with columns in any order', () => {
    expect(formatOf(' {"id":"1"}')).toEqual({ kind: 'ndjson' });
    expect(formatOf(HEADER)).toMatchObject({ kind: 'csv' });
    expect(formatOf('"price_cents", size,brand,category,department,name,product_id')).toMatchObject({
      columns: ['price_cents', 'size', 'brand', 'category', 'department', 'name', 'product_id'],
    });
  });

  test.each(['', '[', 'product_id,name', `${HEADER},more`, HEADER.replace('size', 'name'), '<html>'])(
    '%j is neither',
    (line) => {
      expect(formatOf(line)).toBeUndefined();
    },
  );
});

describe('a line', () => {
  const columns = HEADER.split(',');
  const tea = {
    id: '7',
    name: 'Tea',
    department: 'GROCERY',
    category: null,
    brand: null,
    size: null,
    price: { amount: 250, currency: 'USD' },
    scheduledPrice: null,
  };

  test('of CSV is a product', () => {
    expect(readCsvLine(columns, ['7', ' Tea', 'GROCERY', '', '', '', '250'])).toEqual({ product: tea });
  });

  test('of JSON is a product', () => {
    const text = '{"id":"7","name":"Tea","department":"GROCERY","price":{"amount":250,"currency":"USD"}}';
    expect(readJsonLine(text)).toEqual({ product: tea });
  });

  test('of JSON that costs -0 is the one that costs 0', () => {
    const line = (amount: string) =>
      readJsonLine(`{"id":"7","name":"Tea","price":{"amount":${amount},"currency":"USD"}}`);
    expect(line('-0')).toStrictEqual(line('0'));
  });

  test('of CSV with a price above the limit is rejected', () => {
    expect(readCsvLine(columns, ['7', 'Tea', '', '', '', '', String(MAX_AMOUNT)])).toMatchObject({
      product: { price: { amount: MAX_AMOUNT } },
    });
    expect(readCsvLine(columns, ['7', 'Tea', '', '', '', '', String(MAX_AMOUNT + 1)])).toEqual({
      message: expect.stringMatching(/^price.amount: /),
    });
  });

  test.each([
    [undefined, 'is not valid CSV'],
    [['7'], 'has 1 cells where the header names 7'],
    [['7', 'Tea', '', '', '', '', '2.50'], 'price_cents: must be a whole number of cents'],
    [['7/8', 'Tea', '', '', '', '', '250'], expect.stringMatching(/^id: /)],
    [['7', '', '', '', '', '', '250'], expect.stringMatching(/^name: /)],
  ])('of CSV that says %j is rejected', (cells, message) => {
    expect(readCsvLine(columns, cells)).toEqual({ message });
  });

  test.each([
    ['{"id":"7"', 'is not valid JSON'],
    ['[]', expect.any(String)],
    ['{"id":"7","name":"Tea"}', expect.stringMatching(/^price/)],
    [
      '{"id":"7","name":"Tea","price":{"amount":-1,"currency":"USD"}}',
      expect.stringMatching(/^price.amount/),
    ],
    ['{"id":"7","name":"Tea","price":{"amount":1,"currency":"USD"},"colour":"red"}', expect.any(String)],
  ])('of JSON that says %s is rejected', (text, message) => {
    expect(readJsonLine(text)).toEqual({ message });
  });
});

test('a file without a validator counts as changed', () => {
  const one = { value: '"1"', strong: true };
  expect(isSameFile(one, { value: '"1"', strong: true })).toBe(true);
  expect(isSameFile(one, { value: '"2"', strong: true })).toBe(false);
  expect(isSameFile(one, null)).toBe(false);
  expect(isSameFile(null, null)).toBe(false);
});

describe('the address of a feed', () => {
  test.each([
    ['https://feeds.example/a?b=c', 'https://feeds.example/a?b=c'],
    ['http://127.0.0.1:4006/a', 'http://127.0.0.1:4006/a'],
    ['HTTP://Feeds.Example:80/a/../b', 'http://feeds.example/b'],
    ['https://bücher.example/größe?q=é', 'https://xn--bcher-kva.example/gr%C3%B6%C3%9Fe?q=%C3%A9'],
    ['https://feeds.example/a b', 'https://feeds.example/a%20b'],
    ['https://feeds.example/😀', 'https://feeds.example/%F0%9F%98%80'],
  ])('%s is kept as the URL that is asked for', (text, expected) => {
    expect(readFeedUrl(text)).toBe(expected);
  });

  test.each([
    'ftp://feeds.example/a',
    'https://user@feeds.example/',
    'feeds.example',
    `https://feeds.example/${'a'.repeat(2_000)}`,
    `https://feeds.example/${'é'.repeat(1_000)}`,
    '',
    'https://',
  ])('is not %j', (text) => {
    expect(readFeedUrl(text)).toBeUndefined();
  });

  const stripped = ['\0', '\t', '\n', '\r', '\u001f', '\u007f', '\u0085', '\ud800', '\udc00'];
  const places = fc.constantFrom(
    (bad: string) => `${bad}https://feeds.example/a`,
    (bad: string) => `https://feeds.example/a${bad}`,
    (bad: string) => `ht${bad}tps://feeds.example/a`,
    (bad: string) => `https://feeds${bad}.example/a`,
    (bad: string) => `https://feeds.example/a?b=${bad}c`,
    (bad: string) => `https://feeds.example/a#${bad}`,
  );

  test('contains nothing that a URL parser would strip or a store would refuse', () => {
    fc.assert(
      fc.property(places, fc.constantFrom(...stripped), (place, bad) => {
        expect(readFeedUrl(place(bad))).toBeUndefined();
      }),
      { numRuns: 200 },
    );
    expect([' https://feeds.example/', 'https://feeds.example/ '].map(readFeedUrl)).toEqual([
      undefined,
      undefined,
    ]);
  });

  test('is stored in ASCII, in its canonical form', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (path) => {
        const url = readFeedUrl(`https://feeds.example/${path}`);
        if (url === undefined) return;
        expect(url).toMatch(/^[!-~]+$/);
        expect(readFeedUrl(url)).toBe(url);
      }),
    );
  });
});
