import { describe, expect, test } from '@jest/globals';
import { MAX_AMOUNT } from '@micromart/shared/contracts/catalog/product';
import { formatOf, isFeedUrl, isSameFile, readCsvLine, readJsonLine } from './feed.ts';

const HEADER = 'product_id,name,department,category,brand,size,price_cents';

describe('the first line', () => {
  test('tells JSON from CSV, whatever the order of its columns', () => {
    expect(formatOf(' {"id":"1"}')).toEqual({ kind: 'ndjson' });
    expect(formatOf(HEADER)).toMatchObject({ kind: 'csv' });
    expect(formatOf('"price_cents", size,brand,category,department,name,product_id')).toMatchObject({
      columns: ['price_cents', 'size', 'brand', 'category', 'department', 'name', 'product_id'],
    });
  });

  test.each(['', '[', 'product_id,name', `${HEADER},more`, HEADER.replace('size', 'name'), '<html>'])(
    '%j tells neither',
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

  test('of CSV that costs more than any sum could hold is rejected', () => {
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

test('a file that cannot be told apart counts as another', () => {
  const one = { value: '"1"', strong: true };
  expect(isSameFile(one, { value: '"1"', strong: true })).toBe(true);
  expect(isSameFile(one, { value: '"2"', strong: true })).toBe(false);
  expect(isSameFile(one, null)).toBe(false);
  expect(isSameFile(null, null)).toBe(false);
});

test.each([
  ['https://feeds.example/a?b=c', true],
  ['http://127.0.0.1:4006/a', true],
  ['ftp://feeds.example/a', false],
  ['https://user@feeds.example/', false],
  ['feeds.example', false],
  [`https://feeds.example/${'a'.repeat(2_000)}`, false],
])('%s can be the address of a feed: %s', (text, expected) => {
  expect(isFeedUrl(text)).toBe(expected);
});
