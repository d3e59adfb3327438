import { describe, expect, test } from '@jest/globals';
import { EventFault, handling } from './fault.ts';

const failure = (code: string) => Object.assign(new Error('failed'), { code });
const failWith = (error: unknown) =>
  handling(() => {
    throw error;
  });

describe('an error of the handling', () => {
  test.each(['22P02', '23505', '42P01', '25P02'])("is the event's fault: SQLSTATE %s", async (code) => {
    await expect(failWith(failure(code))).rejects.toThrow(EventFault);
  });

  test.each([
    ...['08006', '40P01', '53300', '57P01', '55P03'],
    ...['25006', '25P03', '28P01', '3D000', '58030', 'XX000'],
  ])("is the database's trouble: SQLSTATE %s", async (code) => {
    const error = failure(code);
    await expect(failWith(error)).rejects.toBe(error);
  });

  test("is the event's fault when it never reached the database", async () => {
    await expect(failWith(new TypeError('no such field'))).rejects.toMatchObject({
      name: 'EventFault',
      message: 'no such field',
    });
    await expect(failWith('just a text')).rejects.toMatchObject({ message: 'just a text' });
  });

  test('gives a reason that a column can hold', () => {
    expect(new EventFault(new Error(`a\0b${'c'.repeat(10_000)}`)).message).toMatch(/^a\u2400bc{100,500}$/);
  });
});
