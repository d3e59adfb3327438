/**
 * What a search treats as a word, and as the same word. It is defined only here, for products and for queries, because
 * engines differ from JavaScript, and from each other, in what they treat as letters, lower case and equal characters.
 *
 * - Characters that only look different are the same (NFKC), and invisible ones are dropped: much like Unicode's
 *   NFKC_Casefold (Unicode Standard, 3.13.5).
 * - Upper and lower case are the same, and so are letters that differ in one case alone: ß, ẞ and SS, σ and ς, ı and I.
 *   Plain case folding would not find a name with `ı` by its capitals.
 * - Words consist of letters, marks and numbers; in many scripts the marks are the vowels.
 */
import type { Product } from './product.ts';

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const UNSEEN = /\p{Default_Ignorable_Code_Point}/gu;

/** In code points. It is a limit because some scripts put no space between words, and PostgreSQL takes 2046 bytes a word. */
export const MAX_WORD_LENGTH = 200;

/** Increase it with each change of the rules. */
const RULES = 1;
const UNICODE_STEPS = 1_000;

/**
 * The version of the rules and of Unicode (`17.0`) by which words are made; larger when words may come out differently.
 */
export const searchVersion = (unicode: string): number =>
  RULES * UNICODE_STEPS + Math.round(Number(unicode) * 10);

/** Applies both cases, because some capitals have a small letter only one way, and some small letters a capital. */
const fold = (text: string): string =>
  text
    .normalize('NFKC')
    .replace(UNSEEN, '')
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replaceAll('ς', 'σ')
    .normalize('NFKC');

/** The words of a text for searching, each once. */
export const searchWords = (text: string): string[] => [
  ...new Set((fold(text).match(WORD) ?? []).map((word) => [...word].slice(0, MAX_WORD_LENGTH).join(''))),
];

/** The words by which a product is found. */
export const wordsOf = (id: string, { name, brand, category }: Product): string[] =>
  searchWords([id, name, brand, category].join(' '));

const WORD_BEFORE = /[\p{L}\p{N}]+/gu;

/**
 * The words of a text by the rules of the version before. Products that it wrote are found by them until the worker has
 * rewritten their words.
 */
export const searchWordsBefore = (text: string): string[] => [
  ...new Set(text.toLowerCase().match(WORD_BEFORE)),
];
