/**
 * Who is calling: bearer tokens (RFC 6750) that are JWTs signed by the issuer (RFC 7519, RFC 8725). A verified token is
 * cached by the hash of its header, because verifying a signature costs more than all the rest of a request.
 */
import { hash } from 'node:crypto';
import { isStorable } from '@micromart/text/storable';
import { errors, jwtVerify } from 'jose';
import { type Problem, problem } from '../problem.ts';
import { createKeySet, KeysUnavailable } from './key-set.ts';

export const roles = ['shopper', 'business', 'catalog', 'operator', 'service'] as const;
export type Role = (typeof roles)[number];

export type Caller = { readonly subject: string; readonly roles: readonly Role[] };

/** The caller of an open route. */
export const NOBODY: Caller = { subject: '', roles: [] };

/** Takes the value of `Authorization`. Rejects with `unauthenticated`, or with `unavailable` if no keys can be read. */
export type Authenticate = (authorization: string | undefined) => Promise<Caller>;

/** Only asymmetric ones: if HS256 were allowed, a public key would serve as its secret (RFC 8725, 3.1). */
const ALGORITHMS = ['ES256', 'EdDSA', 'RS256'];
const CLOCK_TOLERANCE_S = 5;
const MAX_TOKEN_LENGTH = 8_192;
const MAX_SUBJECT_LENGTH = 255;
const MAX_ROLES = 32;
const MAX_REMEMBERED = 10_000;
const REMEMBER_MS = 60_000;

const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i;

export type AuthenticationSettings = {
  /** Path or URL of the issuer's public keys, a JSON Web Key Set. */
  readonly jwks: string;
  readonly issuer: string;
  readonly audience: string;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
};

export function createAuthentication({
  jwks,
  issuer,
  audience,
  now = Date.now,
}: AuthenticationSettings): Authenticate {
  const keys = createKeySet(jwks, { now });
  const verified = new Map<string, { caller: Caller; untilMs: number }>();

  const verify = async (token: string): Promise<{ caller: Caller; expiresMs: number }> => {
    const { payload } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer,
      audience,
      clockTolerance: CLOCK_TOLERANCE_S,
      requiredClaims: ['exp', 'sub'],
      currentDate: new Date(now()),
    });
    return { caller: callerFrom(payload), expiresMs: payload.exp! * 1_000 };
  };

  return async (authorization = '') => {
    const id = hash('sha256', authorization, 'base64');
    const known = verified.get(id);
    if (known && known.untilMs > now()) return known.caller;

    const { caller, expiresMs } = await verify(tokenFrom(authorization)).catch((error) => {
      throw refusal(error);
    });
    verified.delete(id);
    verified.set(id, { caller, untilMs: Math.min(now() + REMEMBER_MS, expiresMs) });
    if (verified.size > MAX_REMEMBERED) verified.delete(verified.keys().next().value!);
    return caller;
  };
}

function tokenFrom(authorization: string): string {
  if (authorization === '') {
    throw problem('unauthenticated', 'A token is required: send it as "Authorization: Bearer <token>".');
  }
  const token = authorization.length <= MAX_TOKEN_LENGTH ? BEARER.exec(authorization)?.[1] : undefined;
  if (!token)
    throw notBelieved(`Authorization is not "Bearer <token>" of at most ${MAX_TOKEN_LENGTH} characters.`);
  return token;
}

/** Skips roles that this version does not know, so an issuer may add some. */
function callerFrom({ sub, roles: claimed }: { sub?: string; roles?: unknown }): Caller {
  if (typeof sub !== 'string' || sub.length < 1 || sub.length > MAX_SUBJECT_LENGTH) {
    throw notBelieved(`The token's sub is not a text of 1 to ${MAX_SUBJECT_LENGTH} characters.`);
  }
  if (!isStorable(sub)) throw notBelieved("The token's sub contains NUL or half of a surrogate pair.");
  if (
    !Array.isArray(claimed) ||
    claimed.length > MAX_ROLES ||
    claimed.some((one) => typeof one !== 'string')
  ) {
    throw notBelieved(`The token's roles are not a list of at most ${MAX_ROLES} names.`);
  }
  return { subject: sub, roles: roles.filter((role) => claimed.includes(role)) };
}

function refusal(error: unknown): Error {
  if (error instanceof KeysUnavailable) {
    return problem(
      'unavailable',
      "The issuer's keys cannot be read, so no token can be verified: try again.",
    );
  }
  if (error instanceof errors.JWTExpired) return notBelieved('The token has expired: get a new one.');
  if (error instanceof errors.JOSEError)
    return notBelieved('The token is not a valid one of the trusted issuer.');
  return error as Error;
}

const notBelieved = (detail: string): Problem =>
  problem('unauthenticated', detail, { headers: { 'WWW-Authenticate': 'Bearer error="invalid_token"' } });
