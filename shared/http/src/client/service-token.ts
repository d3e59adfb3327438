import { readFile, stat } from 'node:fs/promises';

const MAX_TOKEN_BYTES = 16_384;
const LOOK_INTERVAL_MS = 1_000;

/**
 * The token with which a service calls others, from a file that may change while the service runs (SERVICE_TOKEN_FILE).
 * The file is checked once a second, and read again when it has changed. Errors name the file, never its content.
 */
export function createServiceToken(file: string): () => Promise<string> {
  let known: { version: string; token: string } | undefined;
  let lookAgainMs = 0;
  return async () => {
    if (known && performance.now() < lookAgainMs) return known.token;
    lookAgainMs = performance.now() + LOOK_INTERVAL_MS;
    const { mtimeMs, ino, size } = await stat(file).catch((cause) => {
      throw new Error(`the service token cannot be read: ${cause.code} on ${file} (SERVICE_TOKEN_FILE)`);
    });
    const version = `${mtimeMs} ${ino} ${size}`;
    if (known?.version !== version) {
      const token = size <= MAX_TOKEN_BYTES ? (await readFile(file, 'utf8')).trim() : '';
      if (!/^[\x21-\x7e]+$/.test(token))
        throw new Error(`the file ${file} (SERVICE_TOKEN_FILE) does not hold one token on one line`);
      known = { version, token };
    }
    return known.token;
  };
}
