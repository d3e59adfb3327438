import { expect, test } from '@jest/globals';
import { parseArguments, readSettings } from './arguments.ts';
import { parseKafkaArguments } from './kafka-arguments.ts';
import { parseTokenArguments } from './token-arguments.ts';

test('accepts its options and refuses any other', () => {
  const nothing = { help: false, fresh: false, choice: { events: 'feed', catalogStore: 'postgres' } };
  expect(parseArguments([])).toEqual(nothing);
  expect(parseArguments(['--fresh'])).toEqual({ ...nothing, fresh: true });
  expect(parseArguments(['-h', '--fresh'])).toEqual({ ...nothing, help: true, fresh: true });
  expect(parseArguments(['--events', 'kafka']).choice).toMatchObject({ events: 'kafka' });
  expect(parseArguments(['--catalog-store=mongodb']).choice).toMatchObject({ catalogStore: 'mongodb' });
  expect(() => parseArguments(['--frsh'])).toThrow(
    "Unknown option '--frsh'; npm start -- --help lists the options",
  );
  expect(() => parseArguments(['fresh'])).toThrow(/Unexpected argument 'fresh'/);
  expect(() => parseArguments(['--events', 'pigeons'])).toThrow('--events is feed or kafka;');
});

test('makes npm run kafka start one broker or three', () => {
  expect(parseKafkaArguments([])).toEqual({ brokers: 1 });
  expect(parseKafkaArguments(['--brokers', '3'])).toEqual({ brokers: 3 });
  expect(parseKafkaArguments(['--brokers=2', '--help'])).toBe('help');
  expect(() => parseKafkaArguments(['--brokers', '2'])).toThrow('--brokers is 1 or 3;');
  expect(() => parseKafkaArguments(['--broker', '3'])).toThrow(
    "Unknown option '--broker'; npm run kafka -- --help",
  );
});

test('uses defaults for settings that are unset or empty', () => {
  const defaults = { portBase: 4000, dataDir: '/repo/.data', host: '127.0.0.1' };
  expect(readSettings({}, '/repo')).toEqual(defaults);
  expect(readSettings({ PORT_BASE: '', DATA_DIR: '', HOST: '' }, '/repo')).toEqual(defaults);
});

test('reads a data folder relative to the root of the repository', () => {
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

test('requests a token by role and subject', () => {
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
