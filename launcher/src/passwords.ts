import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { writeAtomically } from '@micromart/engines/write-atomically';

export type PasswordOf = (role: string) => string;

/**
 * The passwords of the embedded server's roles. One random secret is stored in a file that only its owner may read. Each
 * password is derived from it and the role's name (HMAC, RFC 2104), so none reveals another.
 */
export async function openPasswords(file: string): Promise<PasswordOf> {
  let secret = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
  });
  if (!secret) {
    secret = randomBytes(32).toString('hex');
    await writeAtomically(file, secret, 0o600);
  }
  const key = secret;
  return (role) => createHmac('sha256', key).update(role).digest('hex');
}
