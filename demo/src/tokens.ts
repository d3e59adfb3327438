export type Role = 'shopper' | 'business' | 'catalog' | 'service';

/** Signs a token, as the development issuer does. */
export type Sign = (claims: { subject: string; roles: Role[]; ttlS: number }) => Promise<string>;

/** Resolves with the value of an Authorization header for a subject in a role. */
export type Authorize = (subject: string, role: Role) => Promise<string>;

const TTL_S = 3_600;
/** A token that expires within this time is not used any more, because a request may be repeated for a while. */
const RENEW_BEFORE_END_MS = 900_000;
const MAX_KEPT = 10_000;

/** Signs once for each subject and role, and again before the token expires. */
export function createAuthorize(sign: Sign, now: () => number = Date.now): Authorize {
  const kept = new Map<string, { header: Promise<string>; untilMs: number }>();

  return (subject, role) => {
    const key = `${role} ${subject}`;
    const known = kept.get(key);
    if (known && known.untilMs > now()) return known.header;

    const header = sign({ subject, roles: [role], ttlS: TTL_S }).then((token) => `Bearer ${token}`);
    if (kept.size >= MAX_KEPT) kept.clear();
    kept.set(key, { header, untilMs: now() + TTL_S * 1000 - RENEW_BEFORE_END_MS });
    return header;
  };
}
