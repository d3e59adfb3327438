import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  type EntityTag,
  etag,
  matchesStrongly,
  matchesWeakly,
  parseTagCondition,
  TAG_CONDITION,
} from './entity-tag.ts';

const strong = (value: string): EntityTag => ({ weak: false, value });
const weak = (value: string): EntityTag => ({ weak: true, value });

const tag = fc.record({ weak: fc.boolean(), value: fc.stringMatching(/^[!#-~]{0,20}$/) });
const write = (one: EntityTag) => `${one.weak ? 'W/' : ''}"${one.value}"`;

describe('conditional requests', () => {
  test.each([
    ['*', '*'],
    ['"a"', [strong('a')]],
    ['"a", W/"b" ,"c,d"', [strong('a'), weak('b'), strong('c,d')]],
    [', "a",,', [strong('a')]],
    ['""', [strong('')]],
  ])('reads %s', (text, condition) => {
    expect(parseTagCondition(text)).toEqual(condition);
  });

  test.each(['', ',', 'a', '"a', 'w/"a"', '"a" "b"', '"a",*', '"a b"', 'W/ "a"', '"a",'.repeat(101)])(
    'refuses %j',
    (text) => {
      expect(parseTagCondition(text)).toBeUndefined();
    },
  );

  test('reads every valid list', () => {
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 100 }), (tags) => {
        expect(parseTagCondition(tags.map(write).join(', '))).toEqual(tags);
      }),
    );
  });

  test('documents a pattern: every text that matches it can be read, and every list matches it', () => {
    fc.assert(fc.property(fc.stringMatching(TAG_CONDITION), (text) => parseTagCondition(text) !== undefined));
    fc.assert(
      fc.property(fc.array(tag, { minLength: 1, maxLength: 100 }), (tags) =>
        TAG_CONDITION.test(tags.map(write).join(', ')),
      ),
    );
  });

  test.each(['', ' ', ',', 'a', '"a', '"a" "b"', '*, "a"', 'w/"a"'])(
    'documents that %j is refused',
    (text) => {
      expect(TAG_CONDITION.test(text)).toBe(false);
    },
  );

  test('never throws', () => {
    fc.assert(fc.property(fc.string(), (text) => void parseTagCondition(text)));
  });

  // The table of RFC 9110, 8.8.3.2.
  test.each([
    [weak('1'), weak('1'), false, true],
    [weak('1'), weak('2'), false, false],
    [weak('1'), strong('1'), false, true],
    [strong('1'), strong('1'), true, true],
  ])('compares %j with %j', (one, other, strongly, weakly) => {
    expect(matchesStrongly([one], other)).toBe(strongly);
    expect(matchesWeakly([one], other)).toBe(weakly);
  });

  test('matches * with any representation', () => {
    expect(matchesStrongly('*', strong('1'))).toBe(true);
    expect(matchesWeakly('*', weak('1'))).toBe(true);
  });

  test('refuses to write a tag that could not be read', () => {
    expect(etag('3.x')).toBe('"3.x"');
    expect(() => etag('a"b')).toThrow(RangeError);
    expect(() => etag('a b')).toThrow(RangeError);
  });
});
