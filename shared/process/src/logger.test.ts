import { describe, expect, test } from '@jest/globals';
import { createLogger } from './logger.ts';

const jwt = 'eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.c2lnbmF0dXJl';

function logged(fields: object, message = 'something happened'): string {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  createLogger({ name: 'cart', level: 'info', destination }).info(fields, message);
  return lines.join('');
}

describe('logger', () => {
  test('writes a line of JSON', () => {
    expect(JSON.parse(logged({ cartId: 'x' }))).toMatchObject({
      name: 'cart',
      level: 30,
      cartId: 'x',
      msg: 'something happened',
    });
  });

  test.each([
    [
      'a URL',
      { url: 'postgres://cart:hunter2@127.0.0.1:5432/cart' },
      'postgres://cart:***@127.0.0.1:5432/cart',
    ],
    [
      'a URL whose password contains an @',
      { url: 'postgres://cart:hunter2@2@db/cart' },
      'postgres://cart:***@db/cart',
    ],
    ['an error', { err: new Error('cannot reach redis://:hunter2@db') }, 'redis://:***@db'],
    ['a header', { headers: { authorization: 'hunter2' } }, '"authorization":"***"'],
    ['a text with a bearer token', { detail: 'sent Bearer hunter2' }, 'sent Bearer ***'],
    ['a field called password', { password: 'hunter2"hunter2' }, '"password":"***"'],
  ])('masks the secret in %s', (_, fields, left) => {
    const line = logged(fields);
    expect(line).toContain(left);
    expect(line).not.toContain('hunter2');
    expect(() => JSON.parse(line)).not.toThrow();
  });

  test('masks a JWT wherever it occurs', () => {
    expect(logged({ detail: `got ${jwt}.` }, `token ${jwt}`)).not.toContain('eyJzdWIi');
  });
});
