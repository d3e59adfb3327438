/**
 * Text that survives every store and encoding. PostgreSQL's `text` and `json` refuse NUL, and UTF-8 has no lone
 * surrogates: JSON.stringify escapes them, PostgreSQL refuses the escape in `jsonb` and changes the character in `text`.
 * Refuse unstorable text from outside; make your own text storable after the last cut.
 */

/** Whether a text has neither NUL nor lone surrogates, so that a store returns it unchanged. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/**
 * A storable text of at most `maxLength` UTF-16 code units. It is never cut in the middle of a character; NUL becomes U+2400,
 * a lone surrogate U+FFFD. A storable text that is short enough stays unchanged.
 */
export function toStorable(text: string, maxLength = Number.POSITIVE_INFINITY): string {
  const cut = text.length > maxLength ? text.slice(0, maxLength).replace(/[\uD800-\uDBFF]$/, '') : text;
  return cut.toWellFormed().replaceAll('\0', '\u2400');
}
