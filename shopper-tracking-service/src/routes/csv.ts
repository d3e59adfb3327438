/** Answers as CSV (RFC 4180): a row of names first, in UTF-8, safe to open in a spreadsheet. */
import { once } from 'node:events';
import type { Answer, RouteRequest } from '@micromart/http/route';
import { stringify } from 'csv-stringify/sync';
import { z } from 'zod';

export const CSV = 'text/csv';

/** In all, for a client that takes it. */
export const MAX_SENDING_MS = 60_000;

export type RawRequest = RouteRequest<unknown, unknown, unknown, unknown>['raw'];
type Response = Parameters<NonNullable<Answer['stream']>>[0];

export type Cell = string | number | null | undefined;

/** Headers of answers that may be CSV; those that are name a file. */
export const csvHeaders = z.object({
  Vary: z.string().meta({ description: 'What the answer depends on: Accept' }),
  'Content-Disposition': z.string().optional().meta({ description: 'Of CSV: the name of a file for it' }),
});

export const VARY = { Vary: 'Accept' };

/** Whether the client would rather have CSV than JSON. */
export const prefersCsv = (request: RawRequest): boolean =>
  request.accepts(['application/json', CSV]) === CSV;

/** `name` consists of characters that need no escape. */
export const fileHeaders = (name: string): Record<string, string> => ({
  ...VARY,
  'Content-Type': `${CSV}; charset=utf-8; header=present`,
  'Content-Disposition': `attachment; filename="${name}.csv"`,
});

/**
 * Rows as text. A spreadsheet takes text that begins with `=`, `+`, `-`, `@`, a tab or a carriage return for a formula, so it
 * gets an apostrophe before it; numbers stay as they are.
 */
export const csvText = (
  columns: readonly string[],
  rows: readonly (readonly Cell[])[],
  hasHeader: boolean,
): string =>
  stringify([...rows], {
    columns: columns.map((header, key) => ({ key: String(key), header })),
    header: hasHeader,
    escape_formulas: true,
    // The library quotes a line's end as it is told to write it, and leaves others as they are.
    quoted_match: /[\r\n]/,
    record_delimiter: 'windows',
  });

/**
 * Sends pages of rows as the client takes them. Rejects when the client has gone, or has not taken all within a minute: then
 * the answer is broken off, which the client notices.
 */
export async function sendCsv(
  response: Response,
  columns: readonly string[],
  pages: AsyncIterable<readonly (readonly Cell[])[]>,
  { signal, maxMs = MAX_SENDING_MS }: { signal: AbortSignal; maxMs?: number },
): Promise<void> {
  const cut = AbortSignal.any([signal, AbortSignal.timeout(maxMs)]);
  let hasHeader = true;
  for await (const rows of pages) {
    cut.throwIfAborted();
    const hasRoom = response.write(csvText(columns, rows, hasHeader));
    hasHeader = false;
    if (!hasRoom) await once(response, 'drain', { signal: cut });
  }
  response.end();
}
