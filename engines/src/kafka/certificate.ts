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
 * Creates a key for 127.0.0.1 with a self-signed certificate, by Java's keytool. Clients must trust the certificate in `caFile`.
 */
export async function createCertificate(folder: string): Promise<Certificate> {
  const keystore = join(folder, KEYSTORE);
  const caFile = join(folder, CERTIFICATE);
  const keystorePassword = randomBytes(16).toString('hex');
  await rm(keystore, { force: true });
  const run = (...args: string[]) =>
    promisify(execFile)('keytool', [...args, '-keystore', keystore, '-storepass', keystorePassword], {
      timeout: TIMEOUT_MS,
    });
  await run(
    ...['-genkeypair', '-alias', 'kafka', '-dname', 'CN=kafka', '-ext', 'san=ip:127.0.0.1'],
    ...['-keyalg', 'EC', '-groupname', 'secp256r1', '-validity', String(DAYS), '-storetype', 'PKCS12'],
  );
  await run('-exportcert', '-rfc', '-alias', 'kafka', '-file', caFile);
  return { caFile, keystorePassword };
}
