import { describe, expect, test } from '@jest/globals';
import { chooseWay, cleanEnvironment, parsePasswd, waysToRun } from './user.ts';

const PASSWD = parsePasswd(
  [
    '# a comment, as on macOS',
    'root:x:0:0:root:/root:/bin/sh',
    'ann:x:1000:1001::/home/ann:/bin/sh',
    'nobody:x:65534:65533::/:',
    '',
  ].join('\n'),
);
const ROOT = { uid: 0, gid: 0 };

test("reads the system's users, negative ids as the system means them", () => {
  expect(PASSWD.map(({ name }) => name)).toEqual(['root', 'ann', 'nobody']);
  expect(parsePasswd('nobody:*:-2:-2:x:/:/y')).toEqual([
    { name: 'nobody', uid: 4294967294, gid: 4294967294 },
  ]);
});

describe('the ways to run', () => {
  test('are one for an ordinary user: as itself', () => {
    const self = { uid: 1000, gid: 1001 };
    expect(waysToRun(self, 65534, PASSWD)).toEqual([
      { name: 'this user', prefix: [], identity: undefined, owner: self },
    ]);
  });

  test('are nobody and then a user namespace for root', () => {
    const nobody = { uid: 65534, gid: 65533 };
    expect(waysToRun(ROOT, undefined, PASSWD)).toEqual([
      { name: 'nobody', prefix: [], identity: nobody, owner: nobody },
      {
        name: 'nobody of a user namespace',
        prefix: ['unshare', '--user', '--map-user=65534', '--map-group=65533', '--'],
        identity: undefined,
        owner: ROOT,
      },
    ]);
  });

  test('begin with the owner of an existing folder', () => {
    expect(waysToRun(ROOT, 1000, PASSWD).map(({ name }) => name)).toEqual([
      'ann',
      'nobody',
      'nobody of a user namespace',
    ]);
  });

  test('name nobody once when the folder is already its own, and never root', () => {
    expect(waysToRun(ROOT, 65534, PASSWD)).toHaveLength(2);
    expect(waysToRun(ROOT, 0, PASSWD)).toHaveLength(2);
  });
});

test('says in one line what to do when no way works', async () => {
  const place = { postgres: '/nowhere/postgres', parent: '/', environment: cleanEnvironment({}) };
  const self = { uid: process.geteuid!(), gid: process.getegid!() };
  const own = chooseWay(waysToRun({ uid: 1000, gid: 1000 }, undefined, PASSWD), place);
  await expect(own).rejects.toThrow(
    /^PostgreSQL's programs do not run here\. Give the URL .*\/nowhere\/postgres/,
  );
  const switching = [{ name: 'nobody', prefix: [], identity: self, owner: self }];
  await expect(chooseWay(switching, place)).rejects.toThrow(/does not run as root.*Move the repository/);
});
