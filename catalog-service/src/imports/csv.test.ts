import { expect, test } from '@jest/globals';
import { parseCsvLines } from './csv.ts';

test('reads cells, quoted or not', () => {
  expect(parseCsvLines(['1,Tea,"Black, loose",', '2,"6"" pot",,'])).toEqual([
    ['1', 'Tea', 'Black, loose', ''],
    ['2', '6" pot', '', ''],
  ]);
});

test('rejects a line with a stray quote, and no other', () => {
  expect(parseCsvLines(['1,a', '2,"b', '3,c', '4,d"', '5,e'])).toEqual([
    ['1', 'a'],
    undefined,
    ['3', 'c'],
    undefined,
    ['5', 'e'],
  ]);
  expect(parseCsvLines(['1,"a', 'b",2', '3,c'])).toEqual([undefined, undefined, ['3', 'c']]);
});

test('returns lines with other numbers of cells unchanged', () => {
  expect(parseCsvLines(['1', '1,2,3'])).toEqual([['1'], ['1', '2', '3']]);
});
