import { describe, expect, test } from '@jest/globals';
import { schemaText } from './schema-text.ts';

describe('schema text', () => {
  test.each([
    [{ type: 'string' }, 'text'],
    [{ type: 'string', format: 'uuid' }, 'uuid'],
    [{ type: 'string', minLength: 1, maxLength: 64 }, 'text of length 1 to 64'],
    [{ type: 'integer', minimum: 1, maximum: 999, default: 50 }, 'integer 1 to 999 (50 if left out)'],
    [{ type: 'integer', minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER }, 'integer'],
    [{ type: ['string', 'null'] }, 'text | null'],
    [{ enum: ['open', 'closed'] }, '"open" | "closed"'],
    [{ const: true }, 'true'],
    [{ anyOf: [{ $ref: '#/components/schemas/Price' }, { type: 'null' }] }, 'Price | null'],
    [{ type: 'array', items: { type: 'number' }, minItems: 1, maxItems: 9 }, '[number] of 1 to 9'],
    [{ type: 'object', additionalProperties: { type: 'boolean' } }, '{ […]: boolean }'],
    [{ type: 'object', properties: {} }, '{}'],
    [{}, 'anything'],
  ])('of %j', (schema, text) => {
    expect(schemaText(schema)).toBe(text);
  });

  test('indents objects and marks optional fields', () => {
    const price = {
      type: 'object',
      properties: { amount: { type: 'integer' }, currency: { type: 'string' } },
      required: ['amount'],
    };
    expect(schemaText({ type: 'object', properties: { price }, required: ['price'] })).toBe(
      '{\n  price: {\n    amount: integer\n    currency?: text\n  }\n}',
    );
  });
});
