/** What a run prints in the end: texts of several lines. */
import { type Figures, quantile } from './figures.ts';
import type { JudgeName, Objection } from './judges.ts';

const MAX_LISTED = 5;
const MAX_LINE_LENGTH = 400;

const figure = (value: number): string => value.toLocaleString('en');
const seconds = (ms: number): string => `${(ms / 1_000).toFixed(2)} s`;

/** A table of the figures, one a line. */
export function figuresText({ counts, inFlight, timesMs }: Figures): string {
  const rows = Object.entries(counts).map(([name, count]) => [name, figure(count)]);
  if (inFlight.length > 0) rows.push(['fewest writes in flight at a kill', figure(Math.min(...inFlight))]);
  for (const [name, times] of Object.entries(timesMs)) {
    const [median, slow] = [quantile(times, 0.5), quantile(times, 0.99)];
    if (median === undefined || slow === undefined) continue;
    rows.push([name, `median ${seconds(median)}, p99 ${seconds(slow)}`]);
  }
  const width = Math.max(0, ...rows.map(([name]) => name!.length));
  return rows.map(([name, value]) => `  ${name!.padEnd(width)}  ${value}\n`).join('');
}

/** What the judges say, the first few words of each. */
export function objectionsText(objections: readonly Objection[]): string {
  if (objections.length === 0) return 'No judge objects: nothing lost, nothing doubled, difference 0.\n';
  const groups = [...Map.groupBy(objections, ({ judge }) => judge)];
  return groups.map(([judge, all]) => groupText(judge, all)).join('');
}

function groupText(judge: JudgeName, objections: readonly Objection[]): string {
  const listed = objections.slice(0, MAX_LISTED).map(({ what }) => `  ${what.slice(0, MAX_LINE_LENGTH)}\n`);
  const more = objections.length - listed.length;
  return `OBJECTION of ${judge}:\n${listed.join('')}${more > 0 ? `  and ${figure(more)} more\n` : ''}`;
}
