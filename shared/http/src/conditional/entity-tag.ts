/** Conditional requests: entity tags and the two headers that compare them (RFC 9110, 8.8.3 and 13.1). */

export type EntityTag = { readonly weak: boolean; readonly value: string };

/** What `If-Match` or `If-None-Match` names: any representation, or one of these. */
export type TagCondition = '*' | readonly EntityTag[];

const MAX_TAGS = 100;
const ETAG_CHARACTERS = /^[\x21\x23-\x7e\x80-\xff]*$/;
const LIST_ITEM = /[ \t]*(?:(W\/)?"([\x21\x23-\x7e\x80-\xff]*)"[ \t]*)?(,|$)/y;

/**
 * What `parseTagCondition` reads, as one expression for the OpenAPI document that every regular expression engine
 * understands. It leaves out lists with many empty items, which nobody writes.
 */
export const TAG_CONDITION =
  /^(\*|[ \t,]*(W\/)?"[!#-~\x80-\xff]*"([ \t]*,[ \t]*((W\/)?"[!#-~\x80-\xff]*")?){0,99}[ \t]*)$/;

/** A strong entity tag as it stands in the header: in quotes. Throws a RangeError for characters not allowed there. */
export function etag(value: string): string {
  if (!ETAG_CHARACTERS.test(value))
    throw new RangeError('an entity tag must not contain quotes, spaces or control characters');
  return `"${value}"`;
}

/**
 * Reads the value of `If-Match` or `If-None-Match`: `*` or a list of entity tags, in which empty items are allowed
 * (RFC 9110, 5.6.1). Undefined when it is neither, or lists more than 100.
 */
export function parseTagCondition(header: string): TagCondition | undefined {
  if (header.trim() === '*') return '*';
  const tags: EntityTag[] = [];
  LIST_ITEM.lastIndex = 0;
  while (LIST_ITEM.lastIndex <= header.length) {
    const match = LIST_ITEM.exec(header);
    if (!match) return undefined;
    const [, weak, value, separator] = match;
    if (value !== undefined) tags.push({ weak: weak !== undefined, value });
    if (tags.length > MAX_TAGS) return undefined;
    if (separator === '') break;
  }
  return tags.length > 0 ? tags : undefined;
}

/** Strong comparison (RFC 9110, 8.8.3.2), which `If-Match` requires: both strong, and the same. */
export const matchesStrongly = (condition: TagCondition, current: EntityTag): boolean =>
  condition === '*' || condition.some((tag) => !tag.weak && !current.weak && tag.value === current.value);

/** Weak comparison, which `If-None-Match` requires: the same value, weak or not. */
export const matchesWeakly = (condition: TagCondition, current: EntityTag): boolean =>
  condition === '*' || condition.some((tag) => tag.value === current.value);
