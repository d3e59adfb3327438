import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MAX_WORD_LENGTH, searchWords } from './search.ts';
import { isFoundBy, SCRIPTS } from './testing/search-names.ts';

/** Forms of a text that look the same to people, or are the same in capitals. */
const formsOf = (text: string): string[] =>
  [text, text.toUpperCase(), text.toLowerCase()].flatMap((one) => [
    one,
    one.normalize('NFC'),
    one.normalize('NFD'),
  ]);

/** All assigned code points. */
function* codePoints(): Generator<string> {
  for (let code = 0; code <= 0x10ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const character = String.fromCodePoint(code);
    if (!/\p{Cn}|\p{Co}/u.test(character)) yield character;
  }
}

describe('a name finds itself, in capitals and small letters, composed and decomposed', () => {
  test('with any character of Unicode, alone and within a word', () => {
    const lost: string[] = [];
    let tried = 0;
    for (const character of codePoints()) {
      for (const name of [character, `a${character}b`, `Α${character}`, `x ${character}1`]) {
        tried += 1;
        if (!formsOf(name).every((query) => isFoundBy(name, query))) lost.push(name);
      }
    }
    expect(lost).toEqual([]);
    expect(tried).toBeGreaterThan(600_000);
  });

  test.each(SCRIPTS)('in %s: %s', (_, name) => {
    expect(searchWords(name).length).toBeGreaterThan(0);
    for (const query of formsOf(name)) expect([query, isFoundBy(name, query)]).toEqual([query, true]);
    for (const word of name.split(' ')) expect([word, isFoundBy(name, word)]).toEqual([word, true]);
  });

  test('with any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 40 }), (name) => {
        for (const query of formsOf(name)) expect(isFoundBy(name, query)).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});

test.each([
  ['ΚΑΦΕΣ', ['καφεσ']],
  ['καφες ελληνικός', ['καφεσ', 'ελληνικόσ']],
  ['हिन्दी', ['हिन्दी']],
  ['H₂O water', ['h2o', 'water']],
  ['Cafe\u0301', ['café']],
  ['İstanbul ISPARTA ısı', ['i̇stanbul', 'isparta', 'isi']],
  ['STRASSE Straße STRAẞE', ['strasse']],
  ['Ꭰꮿ ꭰᏯ', ['ꭰꮿ']],
  ['𐐔𐐯𐑅𐐨𐑉𐐯𐐻', ['𐐼𐐯𐑅𐐨𐑉𐐯𐐻']],
  ['ﬁne oﬃce', ['fine', 'office']],
  ['ＴＥＡ ①', ['tea', '1']],
  ['co\u00adoperate می\u200cخواهم', ['cooperate', 'میخواهم']],
  ['1.5 l a/b.html O’Neill', ['1', '5', 'l', 'a', 'b', 'html', 'o', 'neill']],
  ['', []],
  ['🍌 !?', []],
])('%j holds the words %j', (text, words) => {
  expect(searchWords(text)).toEqual(words);
});

test('a word is no longer than every store accepts, and is found by itself', () => {
  const endless = '\ufdfa'.repeat(10) + 'ﷲ'.repeat(300);
  for (const word of searchWords(endless)) expect([...word].length).toBeLessThanOrEqual(MAX_WORD_LENGTH);
  expect(isFoundBy(endless, endless)).toBe(true);
});

test('splitting words again leaves them unchanged', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
      const words = searchWords(text);
      expect(searchWords(words.join(' '))).toEqual(words);
    }),
    { numRuns: 1_000 },
  );
});
