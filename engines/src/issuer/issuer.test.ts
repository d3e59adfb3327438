import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createAuthentication } from '@micromart/http/authentication/authentication';
import { until } from '@micromart/testing/until';
import { type Issuer, openIssuer, prepareIssuer } from './issuer.ts';
import { startServiceTokens } from './service-tokens.ts';

let home: string;
let folder: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'issuer-'));
  folder = join(home, 'issuer');
});

afterEach(() => rm(home, { recursive: true }));

const authenticate = ({ jwksFile: jwks, issuer, audience }: Issuer, token: string) =>
  createAuthentication({ jwks, issuer, audience })(`Bearer ${token}`);

test('signs tokens that the services accept', async () => {
  const issuer = await prepareIssuer(folder);
  const token = await issuer.sign({ subject: 'ann', roles: ['shopper'], ttlS: 60 });
  expect(await authenticate(issuer, token)).toEqual({ subject: 'ann', roles: ['shopper'] });
});

test('signs tokens that expire', async () => {
  const issuer = await prepareIssuer(folder);
  const token = await issuer.sign({ subject: 'ann', roles: ['shopper'], ttlS: -60 });
  await expect(authenticate(issuer, token)).rejects.toThrow(/expired/);
});

test('keeps its key, so that a token is still valid after the next start', async () => {
  const first = await prepareIssuer(folder);
  const token = await first.sign({ subject: 'ann', roles: ['shopper'], ttlS: 60 });
  expect(await authenticate(await prepareIssuer(folder), token)).toMatchObject({ subject: 'ann' });
});

test('has one key however many processes create it at once', async () => {
  const [one, ...others] = await Promise.all(Array.from({ length: 8 }, () => prepareIssuer(folder)));
  for (const other of others) {
    const token = await other.sign({ subject: 'ann', roles: [], ttlS: 60 });
    expect(await authenticate(one!, token)).toMatchObject({ subject: 'ann' });
  }
  expect((await readdir(folder)).sort()).toEqual(['jwks.json', 'private.json']);
});

test('lets only its owner read the private key, and publishes only the public one', async () => {
  const { jwksFile } = await prepareIssuer(folder);
  expect((await stat(join(folder, 'private.json'))).mode & 0o777).toBe(0o600);
  const { keys } = JSON.parse(await readFile(jwksFile, 'utf8'));
  expect(Object.keys(keys[0]).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});

test('says what to do when no system was started yet, and creates nothing', async () => {
  await expect(openIssuer(folder)).rejects.toThrow(/no system was started yet.*run npm start first/);
  expect(await readdir(home)).toEqual([]);
});

test("renews a service's token at half of its lifetime, in a file of its own", async () => {
  const issuer = await prepareIssuer(folder);
  const file = join(home, 'tracking.token');
  let nowMs = 0;
  const tokens = await startServiceTokens([{ name: 'tracking', file }], {
    issuer,
    onError: () => {},
    now: () => nowMs,
    checkMs: 1,
  });
  try {
    const first = await readFile(file, 'utf8');
    expect(await authenticate(issuer, first)).toEqual({ subject: 'tracking', roles: ['service'] });
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    nowMs = 1_800_000;
    const second = await until(async () => {
      const token = await readFile(file, 'utf8');
      return token !== first && token;
    });
    expect(await authenticate(issuer, second)).toMatchObject({ subject: 'tracking' });
  } finally {
    tokens.close();
  }
});

test('reports a renewal that failed, and retries', async () => {
  const issuer = await prepareIssuer(folder);
  const file = join(home, 'tracking.token');
  let nowMs = 0;
  const errors: unknown[] = [];
  const failing = { ...issuer };
  const tokens = await startServiceTokens([{ name: 'tracking', file }], {
    issuer: failing,
    onError: (error) => errors.push(error),
    now: () => nowMs,
    checkMs: 1,
  });
  try {
    const first = await readFile(file, 'utf8');
    failing.sign = () => Promise.reject(new Error('disk full'));
    nowMs = 1_800_000;
    await until(() => errors.length > 1);
    failing.sign = issuer.sign;
    await until(async () => (await readFile(file, 'utf8')) !== first);
  } finally {
    tokens.close();
  }
});
