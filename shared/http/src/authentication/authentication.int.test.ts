import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { Problem } from '../problem.ts';
import { type Authenticate, createAuthentication } from './authentication.ts';

const NOW_S = 1_800_000_000;
const ISSUER = 'https://issuer.test';
const AUDIENCE = 'micromart';

const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' });

const jwk = (key: KeyObject, kid: string) => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });
const keySet = (...keys: object[]) => JSON.stringify({ keys });

const part = (value: unknown): string =>
  (Buffer.isBuffer(value)
    ? value
    : Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
  ).toString('base64url');

/** Claims whose subject is these bytes. */
const withSubject = (...bytes: number[]): Buffer => {
  const [before, after] = JSON.stringify({ ...claims, sub: 'SUB' }).split('SUB') as [string, string];
  return Buffer.concat([Buffer.from(before), Buffer.from(bytes), Buffer.from(after)]);
};

type Signer = (input: Buffer) => Buffer;
const es256 =
  (key: KeyObject): Signer =>
  (input) =>
    sign('sha256', input, { key, dsaEncoding: 'ieee-p1363' });
const hs256 =
  (secret: string | Buffer): Signer =>
  (input) =>
    createHmac('sha256', secret).update(input).digest();

const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', roles: ['shopper'], exp: NOW_S + 3_600 };
const header = { alg: 'ES256', kid: 'ec' };

function token(
  payload: unknown = claims,
  headers: object = header,
  signer: Signer = es256(ec.privateKey),
): string {
  const input = `${part(headers)}.${part(payload)}`;
  return `${input}.${signer(Buffer.from(input)).toString('base64url')}`;
}

const without = (name: keyof typeof claims) => {
  const { [name]: _, ...rest } = claims;
  return rest;
};
const segments = (text: string) => text.split('.') as [string, string, string];

let folder: string;
let file: string;
let nowMs: number;
let authenticate: Authenticate;
const open = (jwks = file) =>
  createAuthentication({ jwks, issuer: ISSUER, audience: AUDIENCE, now: () => nowMs });

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auth-'));
  file = join(folder, 'jwks.json');
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(async () => {
  nowMs = NOW_S * 1_000;
  await writeFile(file, keySet(jwk(ec.publicKey, 'ec'), jwk(ed.publicKey, 'ed'), jwk(rsa.publicKey, 'rsa')));
  authenticate = open();
});

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'believed',
    (error) => (error instanceof Problem ? error.code : error),
  );

const rsaPem = rsa.publicKey.export({ type: 'spki', format: 'pem' });
const ecPem = ec.publicKey.export({ type: 'spki', format: 'pem' });
const [goodHeader, goodPayload, goodSignature] = segments(token());

const forged: readonly [string, string][] = [
  ['no algorithm and no signature', `${part({ alg: 'none' })}.${goodPayload}.`],
  ['no algorithm under another spelling', `${part({ alg: 'nOnE', kid: 'ec' })}.${goodPayload}.`],
  ['no algorithm but a signature', `${part({ alg: 'none', kid: 'ec' })}.${goodPayload}.${goodSignature}`],
  ['a missing algorithm', token(claims, { kid: 'ec' })],
  ['HS256 with the public key as secret', token(claims, { alg: 'HS256', kid: 'ec' }, hs256(ecPem))],
  ['HS256 with the RSA public key as secret', token(claims, { alg: 'HS256', kid: 'rsa' }, hs256(rsaPem))],
  [
    'HS256 with the key set as secret',
    token(claims, { alg: 'HS256' }, hs256(JSON.stringify(jwk(ec.publicKey, 'ec')))),
  ],
  ['HS256 with an empty secret', token(claims, { alg: 'HS256', kid: 'ec' }, hs256(''))],
  ["a stranger's signature under our key's name", token(claims, header, es256(stranger.privateKey))],
  ['a key that nobody knows', token(claims, { alg: 'ES256', kid: 'stranger' }, es256(stranger.privateKey))],
  ['the name of a key of another type', token(claims, { alg: 'ES256', kid: 'rsa' })],
  ["an algorithm that is not its key's", token(claims, { alg: 'RS256', kid: 'ec' })],
  ['a file path as key name', token(claims, { alg: 'ES256', kid: '../../../dev/null' })],
  ['a number as key name', token(claims, { alg: 'ES256', kid: 7 })],
  [
    "a stranger's key brought along",
    token(
      claims,
      { alg: 'ES256', jwk: stranger.publicKey.export({ format: 'jwk' }) },
      es256(stranger.privateKey),
    ),
  ],
  [
    "the address of a stranger's keys",
    token(claims, { ...header, jku: 'https://stranger.test/jwks' }, es256(stranger.privateKey)),
  ],
  [
    "a stranger's certificate",
    token(claims, { ...header, x5c: ['MIIB'], x5u: 'https://stranger.test' }, es256(stranger.privateKey)),
  ],
  ['the signature cut off', `${goodHeader}.${goodPayload}.`],
  ['half of the signature', `${goodHeader}.${goodPayload}.${goodSignature.slice(0, 40)}`],
  ['a signature of zeros', `${goodHeader}.${goodPayload}.${Buffer.alloc(64).toString('base64url')}`],
  ['a DER signature', token(claims, header, (input) => sign('sha256', input, ec.privateKey))],
  ["another token's signature", `${goodHeader}.${part({ ...claims, sub: 'bob' })}.${goodSignature}`],
  [
    'claims changed after signing',
    `${goodHeader}.${part({ ...claims, roles: ['operator'] })}.${goodSignature}`,
  ],
  ['a header changed after signing', `${part({ ...header, typ: 'JWT' })}.${goodPayload}.${goodSignature}`],
  [
    'ES384, which is not accepted here',
    token(claims, { alg: 'ES384', kid: 'ec' }, (input) =>
      sign('sha384', input, { key: p384.privateKey, dsaEncoding: 'ieee-p1363' }),
    ),
  ],
  [
    'RS512, which is not accepted here',
    token(claims, { alg: 'RS512', kid: 'rsa' }, (input) => sign('sha512', input, rsa.privateKey)),
  ],
  ['an extension that must be understood', token(claims, { ...header, crit: ['extra'], extra: 1 })],
  ['an unencoded payload', token(claims, { ...header, crit: ['b64'], b64: false })],
  ['five segments, as if it were encrypted', `${token()}.${goodPayload}.${goodSignature}`],
  ['two segments', `${goodHeader}.${goodPayload}`],
  ['another issuer', token({ ...claims, iss: 'https://other.test' })],
  ['no issuer', token(without('iss'))],
  ['a list of issuers', token({ ...claims, iss: [ISSUER] })],
  ['the issuer with a slash more', token({ ...claims, iss: `${ISSUER}/` })],
  ['another audience', token({ ...claims, aud: 'another' })],
  ['no audience', token(without('aud'))],
  ['audiences without ours', token({ ...claims, aud: ['another', 'micromart2'] })],
  ['no expiry', token(without('exp'))],
  ['an expiry in the past', token({ ...claims, exp: NOW_S - 6 })],
  ['an expiry that is text', token({ ...claims, exp: String(NOW_S + 3_600) })],
  ['no expiry by null', token({ ...claims, exp: null })],
  ['a beginning in the future', token({ ...claims, nbf: NOW_S + 6 })],
  ['a beginning that is text', token({ ...claims, nbf: 'now' })],
  ['no subject', token(without('sub'))],
  ['an empty subject', token({ ...claims, sub: '' })],
  ['a subject of 256 characters', token({ ...claims, sub: 'a'.repeat(256) })],
  ['a number as subject', token({ ...claims, sub: 7 })],
  ['a subject with NUL', token({ ...claims, sub: 'a\0' })],
  ['half of a surrogate pair as subject', token({ ...claims, sub: '\ud800' })],
  ['a subject with the other half', token({ ...claims, sub: 'a\udc00b' })],
  ['a subject that is not UTF-8', token(withSubject(0xff))],
  ['a subject cut in the middle of a character', token(withSubject(0xc3))],
  ['half of a surrogate pair in bytes', token(withSubject(0xed, 0xa0, 0x80))],
  ['no roles', token(without('roles'))],
  ['a role that is text', token({ ...claims, roles: 'operator' })],
  ['roles that only look like a list', token({ ...claims, roles: { 0: 'operator', length: 1 } })],
  ['roles that are no texts', token({ ...claims, roles: [['operator']] })],
  ['33 roles', token({ ...claims, roles: Array(33).fill('shopper') })],
  ['claims that are no JSON', token('not json')],
  ['claims that are a list', token([claims])],
  ['claims that are null', token('null')],
  ['a token in a token', token(part(token()))],
  ['more than 8,192 characters', token({ ...claims, more: 'a'.repeat(8_192) })],
];

describe('authentication', () => {
  test.each(forged)('refuses %s', async (_, text) => {
    expect(await codeOf(authenticate(`Bearer ${text}`))).toBe('unauthenticated');
  });

  test.each([
    ['nothing', undefined],
    ['an empty header', ''],
    ['a scheme without token', 'Bearer '],
    ['another scheme', `Basic ${token()}`],
    ['a token without scheme', token()],
    ['two tokens', `Bearer ${token()}, Bearer ${token()}`],
    ['a token and more', `Bearer ${token()} more`],
    ['a token in another alphabet', `Bearer ${token().replaceAll('.', ':')}`],
  ])('refuses %s', async (_, authorization) => {
    expect(await codeOf(authenticate(authorization))).toBe('unauthenticated');
  });

  test.each([
    ['ES256', token()],
    ['EdDSA', token(claims, { alg: 'EdDSA', kid: 'ed' }, (input) => sign(null, input, ed.privateKey))],
    ['RS256', token(claims, { alg: 'RS256', kid: 'rsa' }, (input) => sign('sha256', input, rsa.privateKey))],
    ['one of several audiences', token({ ...claims, aud: ['another', AUDIENCE] })],
    ['an expiry within the tolerance', token({ ...claims, exp: NOW_S - 4 })],
    ['a beginning within the tolerance', token({ ...claims, nbf: NOW_S + 4 })],
  ])('believes %s', async (_, text) => {
    expect(await authenticate(`Bearer ${text}`)).toEqual({ subject: 'alice', roles: ['shopper'] });
  });

  test('accepts the scheme in any case, and skips unknown roles', async () => {
    const text = token({ ...claims, roles: ['admin', 'operator', '__proto__'] });
    expect(await authenticate(`bearer ${text}`)).toEqual({ subject: 'alice', roles: ['operator'] });
  });

  test('refuses a cached token after its expiry', async () => {
    const text = `Bearer ${token({ ...claims, exp: NOW_S + 10 })}`;
    await authenticate(text);
    nowMs += 16_000;
    expect(await codeOf(authenticate(text))).toBe('unauthenticated');
  });

  test('distinguishes an expired token from a forged one', async () => {
    await expect(authenticate(`Bearer ${token({ ...claims, exp: NOW_S - 60 })}`)).rejects.toMatchObject({
      message: 'The token has expired: get a new one.',
      extras: { headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } },
    });
  });

  test('follows a change of keys, and refuses the old one within a minute', async () => {
    const before = `Bearer ${token()}`;
    await authenticate(before);
    await writeFile(file, keySet(jwk(stranger.publicKey, 'new')));
    nowMs += 5_000;
    const after = `Bearer ${token(claims, { alg: 'ES256', kid: 'new' }, es256(stranger.privateKey))}`;
    expect(await codeOf(authenticate(after))).toBe('believed');
    expect(await codeOf(authenticate(before))).toBe('believed');
    nowMs += 60_000;
    expect(await codeOf(authenticate(before))).toBe('unauthenticated');
  });

  test('reads the keys again after ten minutes, so a withdrawn key is refused', async () => {
    await authenticate(`Bearer ${token()}`);
    await writeFile(file, keySet(jwk(stranger.publicKey, 'new')));
    nowMs += 600_000;
    expect(await codeOf(authenticate(`Bearer ${token()}`))).toBe('unauthenticated');
  });

  test('does not read the keys for every token of an unknown key', async () => {
    await authenticate(`Bearer ${token()}`);
    await writeFile(file, 'no longer JSON');
    const unknown = `Bearer ${token(claims, { alg: 'ES256', kid: 'unknown' })}`;
    expect(await codeOf(authenticate(unknown))).toBe('unauthenticated');
    nowMs += 5_000;
    expect(await codeOf(authenticate(unknown))).toBe('unavailable');
  });

  test('is unavailable while it has no keys, and calls no token invalid', async () => {
    authenticate = open(join(folder, 'absent.json'));
    expect(await codeOf(authenticate(`Bearer ${token()}`))).toBe('unavailable');
  });

  test('reads keys from a URL, and uses the last ones while it is unavailable', async () => {
    let status = 503;
    const server = createServer((_, response) => {
      response.writeHead(status).end(keySet(jwk(ec.publicKey, 'ec')));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      authenticate = open(`http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`);
      expect(await codeOf(authenticate(`Bearer ${token()}`))).toBe('unavailable');
      status = 200;
      nowMs += 5_000;
      expect(await codeOf(authenticate(`Bearer ${token()}`))).toBe('believed');
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
    nowMs += 600_000;
    expect(await codeOf(authenticate(`Bearer ${token()}`))).toBe('believed');
  });
});
