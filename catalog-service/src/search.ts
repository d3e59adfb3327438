/**
 * What a search takes for a word, and for the same one. It is told here alone, for products and for queries: what the
 * engines take for letters, small letters and equal characters differs from JavaScript, and from each other.
 *
 * - Characters that only look different are the same (NFKC), and those that are not to be seen are left out: much like
 *   Unicode's NFKC_Casefold (Unicode Standard, 3.13.5).
 * - Capitals and small letters are the same, and so is what is written differently in one of them alone: ß, ẞ and SS, σ
 *   and ς, ı and I. A mere folding of case would leave a name with `ı` unfound in capitals.
 * - Words are of letters, marks and numbers; in many scripts the marks are the vowels.
 */
import type { Product } from './product.ts';

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/** In code points; some scripts put no space between words. PostgreSQL takes 2046 bytes for a word. */
export const MAX_WORD_LENGTH = 200;

/** To be raised with each change of the rules. */
const RULES = 1;
const UNICODE_STEPS = 1_000;

/** By which rules words are told, and by which version of Unicode (`17.0`): larger when they may come out otherwise. */
export const searchVersion = (unicode: string): number =>
  RULES * UNICODE_STEPS + Math.round(Number(unicode) * 10);

/** By way of both cases, since there are capitals of small letters only, and the other way round. */
const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(UNSEEN, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC');

/** The words of a text as they are searched, each once. */
export const searchWords = (text: string): string[] => [
  ...new Set((fold(text).match(WORD) ?? []).map((word) => [...word].slice(0, MAX_WORD_LENGTH).join(''))),
];

/** The words that a product is found by. */
export const wordsOf = (id: string, { name, brand, category }: Product): string[] =>
  searchWords([id, name, brand, category].join(' '));

const WORD_BEFORE = /[\p{L}\p{N}]+/gu;

/**
 * The words of a text as the version before told them apart. Products that it wrote are found by them until the worker
 * has told their words anew.
 */
export const searchWordsBefore = (text: string): string[] => [
  ...new Set(text.toLowerCase().match(WORD_BEFORE)),
];
