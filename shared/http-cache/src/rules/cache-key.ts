/**
 * Under what an answer is kept: method, address and who asked. Who asks is the token's issuer, subject and roles, not
 * its bytes: a renewed token finds what its predecessor left.
 *
 * The token is read, not verified: whoever asks with another's token must have verified it, as every service does at its
 * door. Otherwise a forged one would be given what its subject may see.
 */
import { hash } from 'node:crypto';

const MAX_REMEMBERED = 1_000;

/** Who asks, by the value of `Authorization`; remembered for the last thousand. */
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

/** A hash of the token's issuer, subject and roles; of the whole value where it is no such token. */
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

/** The address without its fragment, which is no part of what is asked for. */
export const addressOf = (url: URL): string => url.href.split('#', 1)[0]!;

/** The beginning of all keys of an address, whoever asked. */
export const keyPrefix = (address: string): string => `GET ${address} `;

export const cacheKey = (address: string, identity: string): string => keyPrefix(address) + identity;
