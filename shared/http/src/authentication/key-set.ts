/**
 * An issuer's public keys (RFC 7517), from a file or a URL. They are read when first needed, when they are ten minutes old,
 * and when a token names an unknown key. So keys can be rotated and withdrawn without a restart. Reads are at least five
 * seconds apart, whatever tokens arrive. While the source is unavailable, the last keys stay in use, and only tokens with
 * an unknown key fail.
 */
import { readFile } from 'node:fs/promises';
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';

const MAX_AGE_MS = 600_000;
const MIN_BETWEEN_READS_MS = 5_000;
const READ_TIMEOUT_MS = 5_000;

/** The keys cannot be read, so no token can be judged. */
export class KeysUnavailable extends Error {
  override name = 'KeysUnavailable';
}

export function createKeySet(source: string, { now }: { now: () => number }): JWTVerifyGetKey {
  let keys: JWTVerifyGetKey | undefined;
  let readAtMs = Number.NEGATIVE_INFINITY;
  let failure: unknown;
  let reading: Promise<void> | undefined;

  const readOnce = async () => {
    readAtMs = now();
    try {
      keys = createLocalJWKSet(await read(source));
      failure = undefined;
    } catch (error) {
      failure = error;
    }
  };

  /** Callers that arrive during a read share it. */
  const refresh = (afterMs: number): Promise<void> => {
    if (!reading && now() - readAtMs >= afterMs) {
      reading = readOnce().finally(() => {
        reading = undefined;
      });
    }
    return reading ?? Promise.resolve();
  };

  return async (header, token) => {
    if (keys && failure) void refresh(MIN_BETWEEN_READS_MS);
    else await refresh(keys ? MAX_AGE_MS : MIN_BETWEEN_READS_MS);
    if (!keys) throw new KeysUnavailable('the keys could not be read', { cause: failure });
    try {
      return await keys(header, token);
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
      await refresh(MIN_BETWEEN_READS_MS);
      if (failure) throw new KeysUnavailable('the keys could not be read again', { cause: failure });
      return await keys(header, token);
    }
  };
}

async function read(source: string): Promise<JSONWebKeySet> {
  if (!/^https?:\/\//.test(source)) return JSON.parse(await readFile(source, 'utf8'));
  const response = await fetch(source, { signal: AbortSignal.timeout(READ_TIMEOUT_MS) });
  if (!response.ok) throw new Error(`the keys' address answered ${response.status}`);
  return (await response.json()) as JSONWebKeySet;
}
