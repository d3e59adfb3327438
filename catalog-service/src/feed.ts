/**
 * A supplier's feed: one product a line, as JSON or as CSV below a header line. The first line decides which, whatever
 * the file is called. An unreadable line is rejected by itself; the others are read.
 */
import { type FeedLine, feedLine } from '@micromart/contracts/catalog/product';
import { toStorable } from '@micromart/text/storable';
import type { z } from 'zod';

export type FeedFormat =
  | { readonly kind: 'ndjson' }
  | { readonly kind: 'csv'; readonly columns: readonly string[] };

/**
 * What distinguishes one state of a file from another (RFC 9110, 8.8): the value of `ETag`, or else of `Last-Modified`.
 */
export type Validator = {
  readonly value: string;
  /** Whether an equal value proves that every byte is equal, so that the file may be continued in its middle. */
  readonly strong: boolean;
};

/** A position in a file, and what a reader needs to continue there. */
export type FeedMark = {
  /** Lines before it. */
  readonly line: number;
  /** Bytes before it; null in a compressed file, which can only be read from its start. */
  readonly offset: number | null;
  /** Null before the first line. */
  readonly format: FeedFormat | null;
  readonly validator: Validator | null;
};

/** The start of a file. */
export const markStart = (validator: Validator | null): FeedMark => ({
  line: 0,
  offset: 0,
  format: null,
  validator,
});

/** Whether a file is unchanged. One without a validator counts as changed. */
export const isSameFile = (one: Validator | null, other: Validator | null): boolean =>
  one !== null && one.value === other?.value;

const COLUMNS = ['product_id', 'name', 'department', 'category', 'brand', 'size', 'price_cents'];
/** CSV feeds do not name the currency of their prices. */
const CSV_CURRENCY = 'USD';

/** The format that the first line shows; undefined if it is neither JSON nor the header. */
export function formatOf(firstLine: string): FeedFormat | undefined {
  if (firstLine.trimStart().startsWith('{')) return { kind: 'ndjson' };
  const columns = firstLine.split(',').map((name) => name.trim().replace(/^"(.*)"$/, '$1'));
  const isComplete = columns.length === COLUMNS.length && COLUMNS.every((name) => columns.includes(name));
  return isComplete ? { kind: 'csv', columns } : undefined;
}

export const UNKNOWN_FORMAT = `The first line is neither a JSON object nor the header ${COLUMNS.join(',')}.`;

/** The result of a line: a product, or why it is rejected. */
export type LineRead = { readonly product: FeedLine } | { readonly message: string };

export function readJsonLine(text: string): LineRead {
  try {
    return check(JSON.parse(text));
  } catch {
    return { message: 'is not valid JSON' };
  }
}

/** `cells` are in the order of the file's columns; undefined if the line's quotes do not match. */
export function readCsvLine(columns: readonly string[], cells: readonly string[] | undefined): LineRead {
  if (!cells) return { message: 'is not valid CSV' };
  if (cells.length !== columns.length) {
    return { message: `has ${cells.length} cells where the header names ${columns.length}` };
  }
  const cell = (name: string) => cells[columns.indexOf(name)]!.trim();
  const price = cell('price_cents');
  if (!/^[0-9]{1,15}$/.test(price)) return { message: 'price_cents: must be a whole number of cents' };
  return check({
    id: cell('product_id'),
    name: cell('name'),
    department: cell('department') || null,
    category: cell('category') || null,
    brand: cell('brand') || null,
    size: cell('size') || null,
    price: { amount: Number(price), currency: CSV_CURRENCY },
  });
}

const MAX_MESSAGE_LENGTH = 200;

function check(given: unknown): LineRead {
  const result = feedLine.safeParse(given);
  return result.success ? { product: result.data } : { message: describe(result.error) };
}

/** Messages name keys as the line has them, so they may contain any text. */
function describe({ issues: [first] }: z.ZodError): string {
  const path = first!.path.join('.');
  return toStorable(path ? `${path}: ${first!.message}` : first!.message, MAX_MESSAGE_LENGTH);
}

const MAX_URL_LENGTH = 2_000;

/** Characters that URL parsing drops silently (WHATWG URL, 4.4), or that no store can keep. */
const UNFIT = /[\p{Cc}\p{Cs}]|^ | $/u;

/**
 * The URL of a feed as it will be requested, in ASCII; undefined when the text is no URL of http or https, or names a
 * user, whose password every reader of the job would see.
 */
export function readFeedUrl(text: string): string | undefined {
  if (UNFIT.test(text) || !URL.canParse(text)) return undefined;
  const { protocol, username, password, href } = new URL(text);
  const isFit = /^https?:$/.test(protocol) && username === '' && password === '';
  return isFit && href.length <= MAX_URL_LENGTH ? href : undefined;
}
