import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { CERTIFICATE, KEYSTORE } from './properties.ts';

export type Certificate = { readonly caFile: string; readonly keystorePassword: string };

const TIMEOUT_MS = 60_000;
const DAYS = 30;

/**
 * Makes a key for 127.0.0.1 with a certificate that vouches for itself, by Java's own keytool. Clients
 * are to trust the certificate in `caFile`.
 */
export async function makeCertificate(folder: string): Promise<Certificate> {
  const keystore = join(folder, KEYSTORE);
  const caFile = join(folder, CERTIFICATE);
  const keystorePassword = randomBytes(16).toString('hex');
  await rm(keystore, { force: true });
  const run = (...words: string[]) =>
    promisify(execFile)('keytool', [...words, '-keystore', keystore, '-storepass', keystorePassword], {
      timeout: TIMEOUT_MS,
    });
  await run(
    ...['-genkeypair', '-alias', 'kafka', '-dname', 'CN=kafka', '-ext', 'san=ip:127.0.0.1'],
    ...['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', String(DAYS), '-storetype', 'PKCS12'],
  );
  await run('-exportcert', '-rfc', '-alias', 'kafka', '-file', caFile);
  return { caFile, keystorePassword };
}
