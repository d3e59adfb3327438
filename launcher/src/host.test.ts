import { isIP } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { addressOf } from './host.ts';
import { hostInUrl } from './host-in-url.ts';

describe('what HOST names', () => {
  test.each(['127.0.0.1', '0.0.0.0', '::1', '::', '192.0.2.7', '2001:db8::1'])(
    'is the address %s itself',
    async (host) => {
      expect(await addressOf(host)).toBe(host);
    },
  );

  test('is the address of a name', async () => {
    expect(isIP(await addressOf('localhost'))).not.toBe(0);
  });

  test.each(['no-such-host.invalid', 'http://localhost', 'localhost:4000', '[::1]', '127.0.0.1:80', 'a b'])(
    'cannot be %j',
    async (host) => {
      await expect(addressOf(host)).rejects.toThrow(/^HOST ".*" is neither an address nor a name[^\n]*$/);
    },
  );

  test.each(['::ffff:127.0.0.1', 'fe80::1%lo'])('cannot be %s, which no URL can contain', async (host) => {
    await expect(addressOf(host)).rejects.toThrow(/^HOST ".*" is (an address that|neither)[^\n]*$/);
  });
});

test.each([
  ['127.0.0.1', '127.0.0.1'],
  ['192.0.2.7', '192.0.2.7'],
  ['0.0.0.0', '127.0.0.1'],
  ['::', '[::1]'],
  ['0:0:0:0:0:0:0:0', '[::1]'],
  ['::1', '[::1]'],
  ['2001:DB8:0::0001', '[2001:db8::1]'],
])('a process that listens on %s is reached at %s', (address, host) => {
  expect(hostInUrl(address)).toBe(host);
});
