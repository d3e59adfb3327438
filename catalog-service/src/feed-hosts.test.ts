import { describe, expect, test } from '@jest/globals';
import { mayDial, parseAllowedHosts, targetOf } from './feed-hosts.ts';
import { FeedError } from './job-failure.ts';

const hosts = (text: string) => parseAllowedHosts(text)!;

describe('a list of hosts', () => {
  test('accepts hosts as URLs write them', () => {
    expect([...hosts('Feeds.Example:443, 127.0.0.1:4006,[::1]:4006')]).toEqual([
      'feeds.example:443',
      '127.0.0.1:4006',
      '[::1]:4006',
    ]);
  });

  test.each([
    '',
    'feeds.example',
    'feeds.example:0',
    'feeds.example:70000',
    'http://feeds.example:80',
    'a:1,,b:2',
    '*:80/',
  ])('is not %j', (text) => {
    expect(parseAllowedHosts(text)).toBeUndefined();
  });
});

describe('a URL', () => {
  const allowed = hosts('feeds.example:443,feeds.example:80,127.0.0.1:4006');

  test.each([
    ['https://feeds.example/a', 443],
    ['https://FEEDS.example:443/a?b', 443],
    ['http://feeds.example/a', 80],
    ['http://127.0.0.1:4006/a', 4006],
    ['http://2130706433:4006/a', 4006],
  ])('%s is listed', (url, port) => {
    expect(targetOf(url, allowed)).toMatchObject({ port });
  });

  test.each([
    'ftp://feeds.example/a',
    'file:///etc/passwd',
    'https://user@feeds.example/a',
    'https://user:secret@feeds.example/a',
    'https://feeds.example:8443/a',
    'https://feeds.example./a',
    'https://other.feeds.example/a',
    'http://127.0.0.1:4007/a',
    'http://localhost:4006/a',
    'no URL',
  ])('%s is not', (url) => {
    expect(() => targetOf(url, allowed)).toThrow(FeedError);
  });
});

describe('an address', () => {
  const allowed = hosts('feeds.example:80,10.0.0.7:80,[fd00::7]:80');

  test.each(['8.8.8.8', '93.184.216.34', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(mayDial(address, 80, allowed)).toBe(true);
  });

  test.each(['10.0.0.7', '::ffff:10.0.0.7', 'fd00::7', 'fd00:0:0::0:7'])('%s is listed', (address) => {
    expect(mayDial(address, 80, allowed)).toBe(true);
    expect(mayDial(address, 81, allowed)).toBe(false);
  });

  test.each([
    ...['0.0.0.0', '0.1.2.3', '10.0.0.8', '100.64.0.1', '127.0.0.1', '127.255.255.254', '169.254.169.254'],
    ...['172.16.0.1', '172.31.255.255', '192.0.0.8', '192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1'],
    ...['198.51.100.1', '203.0.113.1', '224.0.0.1', '240.0.0.1', '255.255.255.255'],
    ...['::', '::1', '::127.0.0.1', '::ffff:127.0.0.1', '::ffff:0:127.0.0.1', '::ffff:10.0.0.8'],
    ...[
      '64:ff9b::7f00:1',
      '64:ff9b:1::7f00:1',
      '100::1',
      '2001::1',
      '2001:db8::1',
      '2002:7f00:1::',
      '3fff::1',
    ],
    ...['5f00::1', 'fc00::1', 'fd00::8', 'fe80::1', 'fe80::1%lo', 'fec0::1', 'ff02::1'],
    ...['', 'localhost', '1.2.3', '127.1', '0x7f000001'],
  ])('%j is neither', (address) => {
    expect(mayDial(address, 80, allowed)).toBe(false);
  });
});
