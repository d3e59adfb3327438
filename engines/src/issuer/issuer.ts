/**
 * The development issuer: an ES256 key in a folder, and tokens signed with it. The private key never leaves the folder, and only
 * its owner may read it. The services get the public key as a JSON Web Key Set (RFC 7517).
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK, SignJWT } from 'jose';
import { writeAtomically } from '../write-atomically.ts';
import { AUDIENCE, ISSUER, jwksFileOf } from './identity.ts';

export type Issuer = {
  readonly issuer: string;
  readonly audience: string;
  /** Path of the file with the public keys. */
  readonly jwksFile: string;
  /** Signs a token (RFC 7519) that is valid for `ttlS` seconds. */
  sign(claims: { subject: string; roles: readonly string[]; ttlS: number }): Promise<string>;
};

const PRIVATE_KEY = 'private.json';
const ALGORITHM = 'ES256';

/** Opens the issuer of a folder. Throws one line that says what to do when there is none, or it cannot be read. */
export async function openIssuer(folder: string): Promise<Issuer> {
  const text = await readFile(join(folder, PRIVATE_KEY), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EACCES') throw new Error(`only the user who ran npm start first can read ${folder}`);
    if (error.code !== 'ENOENT') throw new Error(`${folder} cannot be read (${error.code})`);
    throw new Error(
      `no system was started yet with this DATA_DIR (${folder} holds no key); run npm start first`,
    );
  });
  const privateKey = JSON.parse(text) as JWK;
  const key = await importJWK(privateKey, ALGORITHM);
  return {
    issuer: ISSUER,
    audience: AUDIENCE,
    jwksFile: jwksFileOf(folder),
    sign: ({ subject, roles, ttlS }) =>
      new SignJWT({ roles })
        .setProtectedHeader({ alg: ALGORITHM, kid: privateKey.kid!, typ: 'JWT' })
        .setIssuer(ISSUER)
        .setAudience(AUDIENCE)
        .setSubject(subject)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(Math.floor(Date.now() / 1_000) + ttlS)
        .sign(key),
  };
}

/** Opens the issuer of a folder, and creates it if there is none. Any number of processes may do so at once. */
export async function prepareIssuer(folder: string): Promise<Issuer> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, PRIVATE_KEY);
  const exists = await readFile(file).then(
    () => true,
    () => false,
  );
  if (!exists) await writeOnce(file, JSON.stringify(await createKey()));
  const { d: _, ...publicKey } = JSON.parse(await readFile(file, 'utf8')) as JWK;
  await writeAtomically(jwksFileOf(folder), JSON.stringify({ keys: [publicKey] }), 0o644);
  return openIssuer(folder);
}

async function createKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(ALGORITHM, { extractable: true });
  const jwk = await exportJWK(privateKey);
  return { ...jwk, alg: ALGORITHM, use: 'sig', kid: await calculateJwkThumbprint(jwk) };
}

/** Creates a file completely or not at all. If another process has created it, that one stays. */
async function writeOnce(file: string, text: string): Promise<void> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, text, { mode: 0o600 });
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await rm(draft);
  }
}
