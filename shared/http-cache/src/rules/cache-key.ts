/**
 * The key of a stored answer: method, address and caller. The caller is the token's issuer, subject and roles, not its
 * bytes, so a renewed token finds the answers of its predecessor.
 *
 * The token is decoded, not verified. A service that passes on a caller's token must have verified it, as every service
 * here does. Otherwise a forged token could read what its subject may see.
 */
import { hash } from 'node:crypto';

const MAX_REMEMBERED = 1_000;

/** Maps a value of `Authorization` to the caller's identity; the last thousand are cached. */
export function createIdentities(): (authorization: string | undefined) => string {
  const remembered = new Map<string, string>();
  return (authorization) => {
    if (authorization === undefined) return '';
    const known = remembered.get(authorization);
    if (known !== undefined) return known;
    if (remembered.size >= MAX_REMEMBERED) remembered.delete(remembered.keys().next().value!);
    const identity = identityOf(authorization);
    remembered.set(authorization, identity);
    return identity;
  };
}

/** A hash of the token's issuer, subject and roles; of the whole value if it is no such token. */
export function identityOf(authorization: string): string {
  const { iss, sub, roles } = claimsOf(authorization) ?? {};
  const isKnown = typeof iss === 'string' && typeof sub === 'string' && Array.isArray(roles);
  const asked = isKnown ? ['token', iss, sub, ...roles.map(String).sort()] : ['value', authorization];
  return hash('sha256', JSON.stringify(asked), 'base64url');
}

function claimsOf(authorization: string): { iss?: unknown; sub?: unknown; roles?: unknown } | undefined {
  const payload = /^Bearer +[\w-]+\.([\w-]+)\.[\w-]+$/i.exec(authorization)?.[1];
  if (payload === undefined) return undefined;
  try {
    return Object(JSON.parse(Buffer.from(payload, 'base64url').toString('utf8')));
  } catch {
    return undefined;
  }
}

/** The address without its fragment, which is not part of the request. */
export const addressOf = (url: URL): string => url.href.split('#', 1)[0]!;

/** The prefix of all keys of an address, for any caller. */
export const keyPrefix = (address: string): string => `GET ${address} `;

export const cacheKey = (address: string, identity: string): string => keyPrefix(address) + identity;
