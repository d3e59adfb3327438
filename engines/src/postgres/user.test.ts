import { describe, expect, test } from '@jest/globals';
import { chooseRunAs, cleanEnvironment, parsePasswd, runAsCandidates } from './user.ts';

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

test("reads the system's users, with negative ids as unsigned numbers", () => {
  expect(PASSWD.map(({ name }) => name)).toEqual(['root', 'ann', 'nobody']);
  expect(parsePasswd('nobody:*:-2:-2:x:/:/y')).toEqual([
    { name: 'nobody', uid: 4294967294, gid: 4294967294 },
  ]);
});

describe('the users to run as', () => {
  test('are one for an ordinary user: itself', () => {
    const self = { uid: 1000, gid: 1001 };
    expect(runAsCandidates(self, 65534, PASSWD)).toEqual([
      { name: 'this user', prefix: [], identity: undefined, owner: self },
    ]);
  });

  test('are nobody and then a user namespace for root', () => {
    const nobody = { uid: 65534, gid: 65533 };
    expect(runAsCandidates(ROOT, undefined, PASSWD)).toEqual([
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
    expect(runAsCandidates(ROOT, 1000, PASSWD).map(({ name }) => name)).toEqual([
      'ann',
      'nobody',
      'nobody of a user namespace',
    ]);
  });

  test('name nobody once when the folder is already its own, and never root', () => {
    expect(runAsCandidates(ROOT, 65534, PASSWD)).toHaveLength(2);
    expect(runAsCandidates(ROOT, 0, PASSWD)).toHaveLength(2);
  });
});

test('says in one line what to do when no user works', async () => {
  const programs = { postgres: '/nowhere/postgres', parent: '/', environment: cleanEnvironment({}) };
  const self = { uid: process.geteuid!(), gid: process.getegid!() };
  const own = chooseRunAs(runAsCandidates({ uid: 1000, gid: 1000 }, undefined, PASSWD), programs);
  await expect(own).rejects.toThrow(
    /^PostgreSQL's programs do not run here\. Give the URL .*\/nowhere\/postgres/,
  );
  const switching = [{ name: 'nobody', prefix: [], identity: self, owner: self }];
  await expect(chooseRunAs(switching, programs)).rejects.toThrow(/does not run as root.*Move the repository/);
});
