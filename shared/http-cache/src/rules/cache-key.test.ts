import { expect, test } from '@jest/globals';
import { addressOf, cacheKey, createIdentities, identityOf, keyPrefix } from './cache-key.ts';

const bearer = (claims: unknown, signature = 's') =>
  `Bearer e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`;
const claims = { iss: 'i', sub: 's', roles: ['a', 'b'] };

test('a renewed token is the same caller, whatever the order of its roles', () => {
  const renewed = bearer({ ...claims, exp: 2, roles: ['b', 'a'] }, 'other');
  expect(identityOf(renewed)).toBe(identityOf(bearer({ ...claims, exp: 1 })));
});

test.each([
  ['another issuer', { ...claims, iss: 'j' }],
  ['another subject', { ...claims, sub: 't' }],
  ['fewer roles', { ...claims, roles: ['a'] }],
  ['the subject for a role', { iss: 'i', sub: 'a', roles: ['s', 'b'] }],
  ['no roles', { iss: 'i', sub: 's' }],
  ['nothing', null],
])('%s is another caller', (_, other) => {
  expect(identityOf(bearer(other))).not.toBe(identityOf(bearer(claims)));
});

test('a value that is no token is distinguished by its whole text', () => {
  expect(identityOf('Basic a')).not.toBe(identityOf('Basic b'));
  expect(identityOf('Bearer a.!.c')).not.toBe(identityOf('Bearer a.!.d'));
});

test('an identity reveals nothing of the token', () => {
  expect(createIdentities()(bearer(claims))).toMatch(/^[\w-]{43}$/);
  expect(createIdentities()(undefined)).toBe('');
});

test('a key has the address without its fragment', () => {
  const address = addressOf(new URL('HTTP://A.test/b?c=1#d'));
  expect(cacheKey(address, 'me')).toBe('GET http://a.test/b?c=1 me');
  expect(cacheKey(address, 'me').startsWith(keyPrefix(address))).toBe(true);
});
