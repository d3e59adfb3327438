/**
 * Array parameters, encoded here instead of by the driver.
 *
 * What for: the driver writes arrays as text and checks every element for characters to escape, which costs more than anything
 * else that it does. In binary, the server unescapes nothing either, and reads a document once instead of twice (to find its
 * end, and to validate it).
 *
 * How to take it out: pass plain arrays to the driver, and JSON texts in them for `jsonArray`. The statements stay.
 *
 * Which rows of bench/README.md would show it: P1 and P3.
 */

const TEXT_OID = 25;
const JSON_OID = 114;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/**
 * An array of numbers, UUIDs or times as a literal: `{1,2,3}` (PostgreSQL manual, 8.15.6). Never for texts, since nothing is
 * escaped.
 */
export const arrayLiteral = (values: readonly (number | string | null)[]): string =>
  `{${values.map((value) => value ?? 'NULL').join(',')}}`;

/** A `text[]`; undefined becomes NULL. */
export const textArray = (values: readonly (string | undefined)[]): Buffer => binaryArray(TEXT_OID, values);

/** A `json[]` of values that JSON can express; undefined becomes `null`. */
export const jsonArray = (values: readonly unknown[]): Buffer =>
  binaryArray(
    JSON_OID,
    values.map((value) => JSON.stringify(value ?? null)),
  );

/**
 * An array of one dimension in binary, as `array_recv` reads it (src/backend/utils/adt/arrayfuncs.c): number of
 * dimensions, whether there are NULLs, the elements' type, their number, the lower bound; then the elements, each after its
 * length in bytes.
 */
function binaryArray(elementOid: number, values: readonly (string | undefined)[]): Buffer {
  const lengths = values.map((value) => (value === undefined ? NULL_LENGTH : Buffer.byteLength(value)));
  const bytes = lengths.reduce((sum, length) => sum + LENGTH_BYTES + Math.max(length, 0), HEADER_BYTES);
  const array = Buffer.allocUnsafe(bytes);
  const hasNulls = lengths.includes(NULL_LENGTH) ? 1 : 0;
  let at = 0;
  for (const header of [1, hasNulls, elementOid, values.length, 1]) at = array.writeInt32BE(header, at);
  values.forEach((value, n) => {
    at = array.writeInt32BE(lengths[n]!, at);
    if (value !== undefined) at += array.write(value, at);
  });
  return array;
}
