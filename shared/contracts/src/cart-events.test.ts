import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { cartEvent, cartEventExamples, cartEventTypes } from './cart-events.ts';

const samples = readFileSync(new URL('./samples/cart-events.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

describe('the cart events', () => {
  test('have an example each, which their schema accepts unchanged', () => {
    expect(Object.keys(cartEventExamples).sort()).toEqual([...cartEventTypes].sort());
    for (const example of Object.values(cartEventExamples)) expect(cartEvent.parse(example)).toEqual(example);
  });

  test.each(samples.map((sample) => [sample.type, sample.sequence, sample]))(
    'are accepted unchanged as they were recorded: %s %s',
    (_type, _sequence, sample) => {
      expect(cartEvent.parse(sample)).toEqual(sample);
    },
  );

  test('have a sample of every type', () => {
    expect(new Set(samples.map(({ type }) => type))).toEqual(new Set(cartEventTypes));
  });

  test('may carry fields that a follower does not know', () => {
    const example = cartEventExamples['cart.item-added'];
    const later = { ...example, giftwrap: true, data: { ...example.data, note: 'later' } };
    expect(cartEvent.parse(later)).toEqual(example);
  });

  test.each([
    ['a quantity of 0', { quantity: 0 }],
    ['a quantity that is a text', { quantity: '1' }],
    ['a product id with a slash', { productId: '../x' }],
    ['no cart version', { cartVersion: undefined }],
    ['a price in parts of a cent', { unitPrice: { amount: 0.5, currency: 'USD' } }],
  ])('are not valid with %s', (_, change) => {
    const example = cartEventExamples['cart.item-added'];
    expect(cartEvent.safeParse({ ...example, data: { ...example.data, ...change } }).success).toBe(false);
  });

  test.each([
    ['a line of no units', { items: [{ productId: '1029743', quantity: 0 }] }],
    ['a line of no product', { items: [{ quantity: 1 }] }],
    ['a product id with a slash', { items: [{ productId: '../x', quantity: 1 }] }],
    ['one line for all', { items: { productId: '1029743', quantity: 1 } }],
    ['a price without a currency', { items: [{ productId: '1', quantity: 1, unitPrice: { amount: 399 } }] }],
    ['a day for a time', { startedAt: '2026-11-01' }],
  ])('tell a close that has %s from a valid one', (_, change) => {
    const example = cartEventExamples['cart.closed'];
    expect(cartEvent.safeParse({ ...example, data: { ...example.data, ...change } }).success).toBe(false);
  });
});
