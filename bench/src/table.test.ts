import { expect, test } from '@jest/globals';
import type { Results } from './results.ts';
import { tableOf, verdictOf, withTable } from './table.ts';

const spread = (median: number) => ({ median, least: median / 2, most: median * 2 });

const results: Results = {
  P1: {
    date: '2026-11-01',
    machine: { cores: 2, memoryGb: 8, node: '24.1.0', postgres: '18.4', load: 0.1 },
    pairs: 5,
    rows: [
      {
        figure: 'P1',
        what: 'counting',
        against: 'fingers',
        unit: 'events/s',
        bar: { atLeast: 15, moonshot: 25 },
        ours: spread(2_000),
        peer: spread(100),
        ratio: spread(20),
      },
      {
        figure: 'P1',
        what: 'counting',
        against: 'pgbench',
        unit: 'events/s',
        note: 'not measured: none there',
      },
    ],
  },
};

test('shows the ratio with its spread, and whether the bar is reached', () => {
  expect(tableOf(results)).toContain(
    '| P1 | counting | fingers | ≥ 15 | ≥ 25 | **20** (10–40) | 2,000 events/s (1,000–4,000) | 100 events/s (50–200) | reached |',
  );
});

test('says what could not be measured', () =>
  expect(tableOf(results)).toContain('| not measured: none there |'));

test('tells on what it was measured', () =>
  expect(tableOf(results)).toContain(
    '- P1: 2026-11-01, 5 rounds, 2 cores, 8 GB, Node 24.1.0, PostgreSQL 18.4, load before 0.1',
  ));

test.each([
  [{ atLeast: 1, moonshot: 3 }, 4, 'moonshot'],
  [{ atLeast: 1, moonshot: 3 }, 0.9, '**missed**'],
  [{ atMost: 2, moonshot: 1 }, 1.5, 'reached'],
  [{ atMost: 2, moonshot: 1 }, 2.5, '**missed**'],
])('against %j, %d is %s', (bar, measured, verdict) =>
  expect(verdictOf(bar, spread(measured))).toBe(verdict),
);

test('replaces the table of a page, and nothing else', () => {
  const page =
    'before\n<!-- results: written by bench/src/report.ts -->\nold\n<!-- end of results -->\nafter\n';
  const written = withTable(page, results);
  expect(written).toMatch(/^before\n[\s\S]*fingers[\s\S]*\nafter\n$/);
  expect(written).not.toContain('old');
  expect(withTable(written, results)).toBe(written);
});

test('a page without a place for the table is an error', () =>
  expect(() => withTable('nothing', results)).toThrow('the page has no lines'));
