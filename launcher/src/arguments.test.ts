import { expect, test } from '@jest/globals';
import { parseArguments, readSettings } from './arguments.ts';
import { parseTokenArguments } from './token-arguments.ts';

test('knows --fresh and --help and says so of anything else', () => {
  expect(parseArguments([])).toEqual({ help: false, fresh: false });
  expect(parseArguments(['--fresh'])).toEqual({ help: false, fresh: true });
  expect(parseArguments(['-h', '--fresh'])).toEqual({ help: true, fresh: true });
  expect(() => parseArguments(['--frsh'])).toThrow(
    'npm start does not know "--frsh"; npm start -- --help shows',
  );
});

test('takes the defaults for what is not set or empty', () => {
  const defaults = { portBase: 4000, dataDir: '/repo/.data', host: '127.0.0.1' };
  expect(readSettings({}, '/repo')).toEqual(defaults);
  expect(readSettings({ PORT_BASE: '', DATA_DIR: '', HOST: '' }, '/repo')).toEqual(defaults);
});

test('takes a data folder from the root of the repository', () => {
  expect(readSettings({ DATA_DIR: 'second' }, '/repo').dataDir).toBe('/repo/second');
  expect(readSettings({ DATA_DIR: '/data' }, '/repo').dataDir).toBe('/data');
});

test('refuses a PORT_BASE that leaves no room for the ports above it', () => {
  for (const PORT_BASE of ['0', '65439', '4000x', '-1', '4e3', 'http']) {
    expect(() => readSettings({ PORT_BASE }, '/repo')).toThrow(
      /PORT_BASE is not a whole number from 1 to 65438/,
    );
  }
  expect(readSettings({ PORT_BASE: '65438' }, '/repo').portBase).toBe(65_438);
});

test('asks for a token by role and subject', () => {
  const roles = ['shopper', 'business'];
  expect(parseTokenArguments(['shopper', 'ann'], roles)).toEqual({ role: 'shopper', subject: 'ann' });
  expect(parseTokenArguments(['business'], roles)).toEqual({ role: 'business', subject: 'business' });
  expect(parseTokenArguments(['shopper', '--help'], roles)).toBe('help');
  expect(() => parseTokenArguments([], roles)).toThrow(
    /<role> \[subject\]: the roles are shopper, business;/,
  );
  expect(() => parseTokenArguments(['admin'], roles)).toThrow(
    '"admin" is not a role; the roles are shopper, business',
  );
  expect(() => parseTokenArguments(['shopper', 'ann', 'x'], roles)).toThrow('"x" is one too many');
  expect(() => parseTokenArguments(['shopper', 'a'.repeat(256)], roles)).toThrow('1 to 255 characters');
});
