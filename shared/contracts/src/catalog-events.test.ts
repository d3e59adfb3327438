import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { catalogEvent, catalogEventExamples, catalogEventTypes } from './catalog-events.ts';

const samples = readFileSync(new URL('./samples/catalog-events.ndjson', import.meta.url), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));

describe('the catalog events', () => {
  test('have an example each, which their schema accepts unchanged', () => {
    expect(Object.keys(catalogEventExamples).sort()).toEqual([...catalogEventTypes].sort());
    for (const example of Object.values(catalogEventExamples))
      expect(catalogEvent.parse(example)).toEqual(example);
  });

  test.each(samples.map((sample) => [sample.type, sample.sequence, sample]))(
    'are accepted unchanged as they were recorded: %s %s',
    (_type, _sequence, sample) => {
      expect(catalogEvent.parse(sample)).toEqual(sample);
    },
  );

  test('have a sample of every type', () => {
    expect(new Set(samples.map(({ type }) => type))).toEqual(new Set(catalogEventTypes));
  });

  test('may carry fields that a follower does not know', () => {
    const example = catalogEventExamples['catalog.product-changed'];
    const later = { ...example, giftwrap: true, data: { ...example.data, note: 'later' } };
    expect(catalogEvent.parse(later)).toEqual(example);
  });

  test.each([
    ['a version of 0', { version: 0 }],
    ['a version that is a text', { version: '1' }],
    ['a product id with a slash', { productId: '../x' }],
    ['no field that changed', { changed: [] }],
  ])('are not valid with %s', (_, change) => {
    const example = catalogEventExamples['catalog.product-changed'];
    expect(catalogEvent.safeParse({ ...example, data: { ...example.data, ...change } }).success).toBe(false);
  });
});
