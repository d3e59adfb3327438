import { parse } from 'csv-parse/sync';

const OPTIONS = { delimiter: ',', record_delimiter: '\n', relax_column_count: true };

/**
 * The cells of lines of CSV (RFC 4180, but a cell contains no line break); undefined for a line whose quotes do not match.
 * Lines are parsed together. Only if the number of records differs from that of lines are they parsed one by one, because
 * an unclosed quote runs into the next line.
 */
export function parseCsvLines(lines: readonly string[]): (readonly string[] | undefined)[] {
  const together = parseText(lines.join('\n'));
  return together?.length === lines.length ? together : lines.map(parseLine);
}

function parseLine(line: string): readonly string[] | undefined {
  const records = parseText(line);
  return records?.length === 1 ? records[0] : undefined;
}

function parseText(text: string): string[][] | undefined {
  try {
    return parse(text, OPTIONS);
  } catch {
    return undefined;
  }
}
