import { expect, test } from '@jest/globals';
import { readReport } from './pgbench.ts';

const REPORT = `pgbench (15.1)
number of transactions actually processed: 1000/1000
number of failed transactions: 0 (0.000%)
tps = 812.5 (without initial connection time)
`;

test("reads pgbench's report", () =>
  expect(readReport(REPORT)).toEqual({ perSecond: 812.5, transactions: 1_000 }));

test('a report of failures, or none at all, is an error', () => {
  expect(() => readReport(REPORT.replace('transactions: 0', 'transactions: 3'))).toThrow('pgbench says');
  expect(() => readReport('')).toThrow('pgbench says');
});
