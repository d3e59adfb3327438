import { expect, test } from '@jest/globals';
import { isSelectedBy, selectingHeaders } from './vary.ts';

const selects = (vary: string, first: Record<string, string>, second: Record<string, string>) =>
  isSelectedBy(second, selectingHeaders({ vary }, first)!);

test.each([
  ['the same value', 'Accept', { accept: 'a' }, { accept: 'a' }, true],
  ['another value', 'Accept', { accept: 'a' }, { accept: 'b' }, false],
  ['a value where there was none', 'Accept', {}, { accept: 'a' }, false],
  ['no value where there was one', 'Accept', { accept: 'a' }, {}, false],
  ['no value, twice', 'Accept', {}, {}, true],
  ['other white space', 'Accept', { accept: 'a,b' }, { accept: ' a , b' }, true],
  ['another header that is not named', 'Accept', { x: '1' }, { x: '2' }, true],
  ['one of two that differs', ', accept ,X', { accept: 'a', x: '1' }, { accept: 'a', x: '2' }, false],
  ['another token', 'Authorization', { authorization: 'a' }, { authorization: 'b' }, true],
])('%s', (_, vary, first, second, expected) => {
  expect(selects(vary, first, second)).toBe(expected);
});

test.each(['*', 'accept, *'])('no request matches %s', (vary) => {
  expect(selectingHeaders({ vary }, {})).toBeUndefined();
});
