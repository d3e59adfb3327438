import type { Bar, Row } from './figure.ts';
import { format, type Spread } from './protocol.ts';
import type { Result, Results } from './results.ts';

const BEGIN = '<!-- results: written by bench/src/report.ts -->';
const END = '<!-- end of results -->';

const HEAD = `| # | what | against | bar | moonshot | ours ÷ theirs | ours | theirs | |
|---|---|---|---|---|---|---|---|---|`;

/** The page with its table as the results are. Throws when the page has no place for it. */
export function withTable(page: string, results: Results): string {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`the page has no lines ${BEGIN} and ${END}`);
  return `${page.slice(0, begin + BEGIN.length)}\n\n${tableOf(results)}\n\n${page.slice(end)}`;
}

export function tableOf(results: Results): string {
  const rows = Object.values(results).flatMap(({ rows }) => rows.map(rowText));
  const machines = Object.entries(results).map(([figure, result]) => machineText(figure, result));
  return [HEAD, ...rows, '', ...machines].join('\n');
}

function rowText({ figure, what, against, unit, bar, note, ours, peer, ratio }: Row): string {
  const cells = [
    figure,
    what,
    against,
    bar ? `${'atLeast' in bar ? '≥' : '≤'} ${limitOf(bar)}` : '–',
    bar ? `${'atLeast' in bar ? '≥' : '≤'} ${bar.moonshot}` : '–',
    ratio ? `**${format(ratio.median)}** (${format(ratio.least)}–${format(ratio.most)})` : '–',
    ours ? spreadText(ours, unit) : '–',
    peer ? spreadText(peer, unit) : '–',
    note ?? verdictOf(bar, ratio ?? ours),
  ];
  return `| ${cells.join(' | ')} |`;
}

const limitOf = (bar: Bar): number => ('atLeast' in bar ? bar.atLeast : bar.atMost);

const spreadText = ({ median, least, most }: Spread, unit: string): string =>
  least === most
    ? `${format(median)} ${unit}`
    : `${format(median)} ${unit} (${format(least)}–${format(most)})`;

/** How far it came: by the ratio where there is a peer, else by the measure itself. */
export function verdictOf(bar: Bar | undefined, measured: Spread | undefined): string {
  if (!bar || !measured) return '';
  const reaches = (limit: number) => ('atLeast' in bar ? measured.median >= limit : measured.median <= limit);
  if (reaches(bar.moonshot)) return 'moonshot';
  return reaches(limitOf(bar)) ? 'reached' : '**missed**';
}

function machineText(figure: string, { date, pairs, machine }: Result): string {
  const { cores, memoryGb, node, postgres, load } = machine;
  return `- ${figure}: ${date}, ${pairs} rounds, ${cores} cores, ${memoryGb} GB, Node ${node}, PostgreSQL ${postgres}, load before ${load}`;
}
