import { describe, expect, test } from '@jest/globals';
import { Unusable } from '@micromart/process/unusable';
import fc from 'fast-check';
import { requireVersion, whyTooOld } from './server-version.ts';

const URL_OF_CART = 'postgres://user:secret@db.example:5432/cart';

describe('a server', () => {
  test.each([
    [150018, '15.18'],
    [160000, '16.0'],
    [90624, '9.6.24'],
  ])('of version %d is too old, and one line says which version is needed', (number, version) => {
    expect(whyTooOld(URL_OF_CART, number)).toBe(
      `PostgreSQL 17 or newer is needed; db.example:5432/cart is ${version}`,
    );
  });

  test('is judged by its major version alone, and its password is never shown', () => {
    fc.assert(
      fc.property(fc.integer({ min: 80_000, max: 400_000 }), (number) => {
        const why = whyTooOld(URL_OF_CART, number);
        expect(why === undefined).toBe(number >= 170_000);
        expect(why ?? '').not.toMatch(/secret|\n/);
      }),
    );
  });

  test('is asked for its version over the connection that will be used', async () => {
    const client = (version: string) => ({ query: async () => ({ rows: [{ version }] }) }) as never;
    await expect(requireVersion(client('150018'), URL_OF_CART)).rejects.toThrow(Unusable);
    await requireVersion(client('170000'), URL_OF_CART);
  });
});
