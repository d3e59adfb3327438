/**
 * Text that survives every store and encoding. PostgreSQL's `text` and `json` refuse NUL, and UTF-8 has no lone
 * surrogates: JSON.stringify escapes them, PostgreSQL refuses the escape in `jsonb` and changes the character in `text`.
 * Refuse text from outside that is not storable; make text of our own storable after the last cut.
 */

/** Whether a text has neither NUL nor lone surrogates, so that it comes back from a store as it went in. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/**
 * A storable text of at most `maxLength` UTF-16 code units: never cut in the middle of a character, NUL shown as U+2400,
 * lone surrogates as U+FFFD. A storable text that is short enough stays as it is.
 */
export function toStorable(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxLength ? text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '') : text;
  return cut.toWellFormed().replaceAll('\0', '\u2400');
}
