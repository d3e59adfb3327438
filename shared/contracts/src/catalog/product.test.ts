import { describe, expect, test } from '@jest/globals';
import { MAX_AMOUNT, money } from '../money.ts';
import { feedLine, product, productContent } from './product.ts';

const price = { amount: 399, currency: 'USD' };
const least = { name: 'Bananas', price };

describe('a product to write', () => {
  test('needs a name and a price only', () => {
    expect(productContent.parse(least)).toEqual({
      ...least,
      category: null,
      department: null,
      brand: null,
      size: null,
      scheduledPrice: null,
    });
  });

  test('loses the space around its words', () => {
    expect(productContent.parse({ ...least, name: ' Bread:italian / French  ' }).name).toBe(
      'Bread:italian / French',
    );
  });

  test('has the moment of a scheduled price in UTC', () => {
    const content = productContent.parse({
      ...least,
      scheduledPrice: { price, from: '2026-11-01T09:30:00+02:00' },
    });
    expect(content.scheduledPrice?.from).toBe('2026-11-01T07:30:00.000Z');
  });

  test.each([
    ['no name', { name: undefined }],
    ['an empty name', { name: '  ' }],
    ['an endless name', { name: 'x'.repeat(301) }],
    ['a control character', { name: 'Bana\u0000nas' }],
    ['half a surrogate pair', { brand: 'Bana\ud800nas' }],
    ['no price', { price: undefined }],
    ['a price in parts of a cent', { price: { amount: 0.5, currency: 'USD' } }],
    ['a price below 0', { price: { amount: -1, currency: 'USD' } }],
    ['a price that no sum could hold', { price: { amount: MAX_AMOUNT + 1, currency: 'USD' } }],
    [
      'such a scheduled price',
      {
        scheduledPrice: {
          price: { amount: MAX_AMOUNT + 1, currency: 'USD' },
          from: '2026-11-01T09:30:00Z',
        },
      },
    ],
    ['a price beyond counting', { price: { amount: 2 ** 53, currency: 'USD' } }],
    ['no currency', { price: { amount: 1 } }],
    ['a field that is not known', { colour: 'yellow' }],
    ['a field of the price that is not known', { price: { ...price, tax: 7 } }],
    ['a scheduled price without a moment', { scheduledPrice: { price } }],
    ['a moment without a zone', { scheduledPrice: { price, from: '2026-11-01T09:30:00' } }],
    ['a moment beyond the year 9999', { scheduledPrice: { price, from: '9999-12-31T23:59:59-01:00' } }],
    ['an id of its own', { id: '1' }],
  ])('is refused with %s', (_, change) => {
    expect(productContent.safeParse({ ...least, ...change }).success).toBe(false);
  });

  test('may cost as much as the largest price', () => {
    const dear = { amount: MAX_AMOUNT, currency: 'USD' };
    expect(productContent.parse({ ...least, price: dear }).price).toEqual(dear);
  });

  test.each(['-0', '-0.0', '-0e9', '0'])('costs 0, never -0, when its amount is %s', (text) => {
    const free = JSON.parse(`{ "amount": ${text}, "currency": "USD" }`);
    const { price: read, scheduledPrice } = productContent.parse({
      ...least,
      price: free,
      scheduledPrice: { price: free, from: '2026-11-01T09:30:00Z' },
    });
    expect([read.amount, scheduledPrice!.price.amount]).toStrictEqual([0, 0]);
    expect(money.parse(free).amount).toBe(0);
  });

  test('has an id in a feed', () => {
    expect(feedLine.parse({ id: '__proto__', ...least }).id).toBe('__proto__');
    expect(feedLine.safeParse(least).success).toBe(false);
  });
});

test('an answer may carry fields that a caller does not know', () => {
  const answered = { ...productContent.parse(least), id: '1', version: 3 };
  expect(product.parse({ ...answered, colour: 'yellow' })).toEqual(answered);
});
