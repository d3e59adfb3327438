/**
 * Positions in logs: how far a reader has read. One is written `<log>/<partition>@<sequence>`; several are joined by commas:
 * `cart-3f2a9c1e/0@88, cart-3f2a9c1e/7@1234`. That is the value of the headers `Position` and `Consistent-With`. To clients
 * it is opaque; services compare it.
 */

export type LogPosition = { readonly log: string; readonly partition: number; readonly sequence: number };

/** The name of a log: its family and its identity, as in `cart-3f2a9c1e`. */
export const LOG_NAME = /^[a-z][a-z0-9-]{0,62}$/;
const LOG_POSITION = /^[ \t]*([a-z][a-z0-9-]{0,62})\/([0-9]{1,4})@([0-9]{1,15})[ \t]*$/;
const AFTER = /^[ \t]*([0-9]{1,4})@([0-9]{1,15})[ \t]*$/;
const MAX_POSITIONS = 1_000;

/** The form of a list of at most 1,000 entries, as documents declare it. */
export const POSITION =
  /^[ \t]*[a-z][a-z0-9-]{0,62}\/[0-9]{1,4}@[0-9]{1,15}[ \t]*(?:,[ \t]*[a-z][a-z0-9-]{0,62}\/[0-9]{1,4}@[0-9]{1,15}[ \t]*){0,999}$/;
/** The form of `after`, except that each partition stands in it once. */
export const AFTER_LIST =
  /^[ \t]*[0-9]{1,4}@[0-9]{1,15}[ \t]*(?:,[ \t]*[0-9]{1,4}@[0-9]{1,15}[ \t]*){0,999}$/;

/** Whether a text can be a log's name. */
export const isLogName = (text: string): boolean => LOG_NAME.test(text);

export const formatPosition = (positions: readonly LogPosition[]): string =>
  positions.map(({ log, partition, sequence }) => `${log}/${partition}@${sequence}`).join(', ');

/** Reads such a list; undefined if it is empty, malformed, or longer than 1,000. */
export function parsePosition(text: string): LogPosition[] | undefined {
  return parseList(text, LOG_POSITION, ([, log, partition, sequence]) => ({
    log: log!,
    partition: Number(partition),
    sequence: Number(sequence),
  }));
}

/** Sequence by partition, within one log. An absent partition is at 0, before its first event. */
export type Sequences = ReadonlyMap<number, number>;

/** The feed's `after` parameter, `0@88,7@1234`: a position within the feed's own log. */
export const formatAfter = (sequences: Sequences): string =>
  [...sequences].map(([partition, sequence]) => `${partition}@${sequence}`).join(',');

/** Reads `after`; undefined when it is malformed or names a partition twice. */
export function parseAfter(text: string): Sequences | undefined {
  const list = parseList(
    text,
    AFTER,
    ([, partition, sequence]) => [Number(partition), Number(sequence)] as const,
  );
  if (!list) return undefined;
  const sequences = new Map(list);
  return sequences.size === list.length ? sequences : undefined;
}

function parseList<T>(text: string, form: RegExp, read: (match: RegExpExecArray) => T): T[] | undefined {
  const parts = text.split(',', MAX_POSITIONS + 1);
  if (parts.length > MAX_POSITIONS) return undefined;
  const list: T[] = [];
  for (const part of parts) {
    const match = form.exec(part);
    if (!match) return undefined;
    list.push(read(match));
  }
  return list;
}
