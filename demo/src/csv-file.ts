import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { parse } from 'csv-parse';

const MAX_ROW_BYTES = 10_000;

/**
 * Reads named columns of a CSV file (RFC 4180, with a header row), gzipped if its name ends in .gz. Yields each row's fields
 * in the order of `columns`. It streams, so a file of any length takes little memory. Throws if the file cannot be read or
 * lacks a column.
 */
export async function* readRows(file: string, columns: readonly string[]): AsyncGenerator<string[]> {
  const rows = parse({ bom: true, skip_empty_lines: true, max_record_size: MAX_ROW_BYTES });
  const source = createReadStream(file);
  const piped = file.endsWith('.gz') ? pipeline(source, createGunzip(), rows) : pipeline(source, rows);
  // An error in the pipeline also ends the loop below, which throws it.
  piped.catch(() => {});

  let indexes: number[] | undefined;
  try {
    for await (const fields of rows as AsyncIterable<string[]>) {
      if (indexes) yield indexes.map((index) => fields[index]!);
      else indexes = columns.map((column) => indexOf(column, fields));
    }
  } catch (error) {
    throw new Error(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  if (!indexes)
    throw new Error(`${file} is empty: its first row should name the columns ${columns.join(', ')}`);
}

function indexOf(column: string, header: readonly string[]): number {
  const index = header.indexOf(column);
  if (index < 0) throw new Error(`it has no column "${column}"; its columns are ${header.join(', ')}`);
  return index;
}
