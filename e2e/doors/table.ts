/** The results of a run of `npm run doors`, as a table. */

export type Row = {
  readonly service: string;
  /** The role of the token, or `none`. */
  readonly role: string;
  readonly requests: number;
  readonly failures: number;
};

const HEADINGS = ['service', 'role', 'requests', 'failures'];
const GAP = '  ';

/** One line for each row, and a last one for all of them. */
export function tableOf(rows: readonly Row[]): string {
  const sum = (of: (row: Row) => number) => String(rows.reduce((total, row) => total + of(row), 0));
  const lines = [
    HEADINGS,
    ...rows.map(({ service, role, requests, failures }) => [service, role, `${requests}`, `${failures}`]),
    ['all', '', sum(({ requests }) => requests), sum(({ failures }) => failures)],
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  const pad = (text: string, column: number) =>
    column < 2 ? text.padEnd(widths[column]!) : text.padStart(widths[column]!);
  return lines.map((line) => `${line.map(pad).join(GAP)}\n`).join('');
}
