import { expect, test } from '@jest/globals';
import { helpText, parseArguments } from './arguments.ts';

const KNOWN = ['P1', 'P3'];

test('measures everything five times unless told otherwise', () =>
  expect(parseArguments([], KNOWN)).toEqual({
    help: false,
    figures: KNOWN,
    pairs: 5,
    quick: false,
    data: undefined,
  }));

test('takes figures in small letters, and the other settings', () => {
  expect(parseArguments(['p3', '--pairs', '7', '--data', '/x'], KNOWN)).toMatchObject({
    figures: ['P3'],
    pairs: 7,
    data: '/x',
  });
  expect(parseArguments(['--quick'], KNOWN)).toMatchObject({ quick: true, pairs: 2 });
  expect(parseArguments(['-h'], KNOWN)).toEqual({ help: true });
});

test.each([['P2'], ['--pairs=0'], ['--pairs=x'], ['--fast']])('refuses %s', (word) =>
  expect(() => parseArguments([word], KNOWN)).toThrow(),
);

test('its help names the figures', () => expect(helpText(KNOWN)).toContain('P1, P3'));
