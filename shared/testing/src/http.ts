/** An issuer of tokens for tests: a new key, its public part in a file, and tokens signed with it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Role } from '@micromart/http/authentication/authentication';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';

export type TestIssuer = {
  /** Path of the public keys' file: the setting AUTH_JWKS. */
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
  /** `expiresIn` is in jose's format; the default is '1h'. */
  token(claims: { subject: string; roles: readonly Role[]; expiresIn?: string }): Promise<string>;
  /** Removes the file. */
  close(): Promise<void>;
};

export async function openTestIssuer(): Promise<TestIssuer> {
  const issuer = 'https://issuer.test';
  const audience = 'micromart';
  const { publicKey, privateKey } = await generateKeyPair('ES256');
  const folder = await mkdtemp(join(tmpdir(), 'issuer-'));
  const jwks = join(folder, 'jwks.json');
  await writeFile(
    jwks,
    JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: 'test', alg: 'ES256' }] }),
  );
  return {
    jwks,
    issuer,
    audience,
    token: ({ subject, roles, expiresIn = '1h' }) =>
      new SignJWT({ roles })
        .setProtectedHeader({ alg: 'ES256', kid: 'test' })
        .setSubject(subject)
        .setIssuer(issuer)
        .setAudience(audience)
        .setIssuedAt()
        .setExpirationTime(expiresIn)
        .sign(privateKey),
    close: () => rm(folder, { recursive: true, force: true }),
  };
}
