import type { Difference } from './compare.ts';
import { type Counters, type Tally, total } from './expected.ts';
import type { Imported } from './import-catalog.ts';
import type { Replayed } from './replay.ts';

/** What the demo prints: texts of several lines, without colours, so that they can be saved. */

const TOP = 10;
const MAX_NAME_CHARACTERS = 34;
const MAX_DIFFERENCES_LISTED = 20;

const figure = (value: number): string => value.toLocaleString('en');

export function importedText({ written, unchanged, rejected }: Imported): string {
  const refused = rejected > 0 ? `, ${figure(rejected)} lines refused` : '';
  return `${figure(written)} products written, ${figure(unchanged)} were there already${refused}.`;
}

export function replayedText({ sent, carts, abandoned, requests, repeated, tookMs }: Replayed): string {
  const { added, removed, unitsAdded, unitsRemoved, unitsBought, unitsAbandoned } = total(sent);
  const tookS = tookMs / 1000;
  return (
    `${figure(carts)} carts: ${figure(added)} times a product was put in (${figure(unitsAdded)} units), ` +
    `${figure(removed)} times taken out again (${figure(unitsRemoved)} units);\n` +
    `${figure(carts - abandoned)} carts bought, with ${figure(unitsBought)} units, ` +
    `and ${figure(abandoned)} left, with ${figure(unitsAbandoned)};\n` +
    `${figure(requests)} requests in ${tookS.toFixed(1)} s, ${figure(Math.round(requests / tookS))} a second, ` +
    `${figure(repeated)} of them sent again.`
  );
}

/** The products with the highest counter, highest first; equal ones by their numbers. */
export const topBy = (counter: keyof Counters, tally: Tally): [productId: string, counters: Counters][] =>
  [...tally]
    .filter(([, counters]) => counters[counter] > 0)
    .sort(([a, left], [b, right]) => right[counter] - left[counter] || (a < b ? -1 : 1))
    .slice(0, TOP);

/** A table of the top products by one counter. */
export function topTable(
  counter: 'added' | 'removed',
  tally: Tally,
  names: ReadonlyMap<string, string>,
): string {
  const [title, units] =
    counter === 'added'
      ? (['Most often put into a cart', 'unitsAdded'] as const)
      : (['Most often taken out again', 'unitsRemoved'] as const);
  const row = (place: string, name: string, productId: string, times: string, sum: string) =>
    [
      place.padStart(3),
      name.padEnd(MAX_NAME_CHARACTERS),
      productId.padEnd(9),
      times.padStart(9),
      sum.padStart(9),
    ].join('  ');

  const rows = topBy(counter, tally).map(([productId, counters], at) => {
    const name = names.get(productId)?.slice(0, MAX_NAME_CHARACTERS) ?? '–';
    return row(String(at + 1), name, productId, figure(counters[counter]), figure(counters[units]));
  });
  return [row('', title, 'product', 'times', 'units'), ...rows].join('\n');
}

/** The result of the comparison. `foreignEvents` is how many more new events the cart's log has than were sent. */
export function comparisonText({
  differences,
  products,
  foreignEvents,
}: {
  differences: readonly Difference[];
  products: number;
  foreignEvents: number;
}): string {
  const lines =
    differences.length === 0
      ? [`Every counter of ${figure(products)} products grew by exactly what was sent: difference 0.`]
      : [
          `WRONG: ${figure(differences.length)} counters did not grow by what was sent:`,
          ...differences.slice(0, MAX_DIFFERENCES_LISTED).map(differenceText),
        ];
  if (differences.length > MAX_DIFFERENCES_LISTED)
    lines.push(`  and ${figure(differences.length - MAX_DIFFERENCES_LISTED)} more`);
  if (foreignEvents !== 0)
    lines.push(
      `The cart's log has ${figure(Math.abs(foreignEvents))} ${foreignEvents > 0 ? 'more' : 'fewer'} new events than were sent; ` +
        'the comparison requires that no other client changes carts meanwhile.',
    );
  return lines.join('\n');
}

const differenceText = ({ productId, counter, sent, counted }: Difference): string =>
  `  ${productId.padEnd(12)}  ${counter.padEnd(12)}  sent ${figure(sent).padStart(8)}  counted ${figure(counted).padStart(8)}`;
