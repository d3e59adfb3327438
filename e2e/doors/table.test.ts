import { expect, test } from '@jest/globals';
import { tableOf } from './table.ts';

test('lists service, role, requests and failures below each other, and their sums', () => {
  const rows = [
    { service: 'cart-service', role: 'shopper', requests: 1_200, failures: 0 },
    { service: 'catalog-worker', role: 'none', requests: 70, failures: 2 },
  ];
  expect(tableOf(rows)).toBe(
    [
      'service         role     requests  failures',
      'cart-service    shopper      1200         0',
      'catalog-worker  none           70         2',
      'all                          1270         2',
      '',
    ].join('\n'),
  );
});
