import { expect, test } from '@jest/globals';
import { cartEventExamples } from '@micromart/contracts/cart-events';
import { COUNTERS, columnOf, namesOf } from './counters.ts';
import { createTally } from './counts.ts';
import { createCountSchemas } from './routes/count-schemas.ts';
import { counterColumns } from './store/postgres-counter-columns.ts';
import { tallyStatement } from './store/postgres-tally.ts';

/** One more entry of the declaration, which is all that a new counter takes beside its migration. */
const MORE = {
  ...COUNTERS,
  bulkAdded: {
    description: 'Events that put ten or more into a cart',
    increment: ({ type, data }) => (type === 'cart.item-added' && data.quantity >= 10 ? 1 : 0),
  },
} as const satisfies typeof COUNTERS & Parameters<typeof createTally>[0];

const names = namesOf(MORE);
const position = names.indexOf('bulkAdded');

test('a counter has the column of its name in snake case', () => {
  expect(namesOf(COUNTERS).map(columnOf)).toEqual([
    ...['added', 'removed', 'units_added', 'units_removed'],
    ...['bought', 'units_bought', 'abandoned', 'units_abandoned'],
  ]);
});

test('a counter that is declared is counted', () => {
  const added = cartEventExamples['cart.item-added'];
  const events = [1, 10, 25].map((quantity) => ({ ...added, data: { ...added.data, quantity } }));
  const { total, hour } = createTally(MORE)(events, new Date(added.time));
  for (const sums of [total, ...hour.map(({ sums }) => sums)])
    expect(sums.map(({ counts }) => counts[position])).toEqual([2]);
  expect(hour).toHaveLength(1);
});

test.each([
  ['by a parameter of its own in each', [], 5],
  ['by one for all that the batch is in one bucket of', ['hour', 'day'] as const, 3],
] as const)('a counter that is declared is written to all five tables, %s', (_, whole, arrays) => {
  const statement = tallyStatement(names, whole);
  expect(statement.match(/bulk_added = c\.bulk_added \+ excluded\.bulk_added/g)).toHaveLength(5);
  const parameters = [...statement.matchAll(/\$(\d+)/g)].map(([, number]) => Number(number));
  expect(parameters).toEqual(parameters.map((_, n) => n + 1));
  expect(parameters).toHaveLength(arrays * (names.length + 1) + 4);
});

test('a counter that is declared is selected, summed and reason enough to be listed', () => {
  const columns = counterColumns(names);
  expect(columns.selected).toContain('bulk_added AS "bulkAdded"');
  for (const part of [columns.all, columns.sums, columns.signed, columns.added]) {
    expect(part).toContain('bulk_added');
  }
  expect(columns.isCounted).toContain('bulk_added > 0');
});

test('a counter that is declared is in the schemas, described, and sorts lists', () => {
  const { counts, page, sort } = createCountSchemas(MORE);
  expect(counts.shape.bulkAdded.meta()).toEqual({ description: MORE.bulkAdded.description });
  expect(page.shape.items.element.shape).toHaveProperty('bulkAdded');
  expect(sort.options).toEqual(expect.arrayContaining(['bulkAdded', '-bulkAdded', '-removalRatio']));
});
