export type TokenRequest = { readonly role: string; readonly subject: string };

const MAX_SUBJECT_LENGTH = 255;

export const TOKEN_HELP = `npm run token -- <role> [subject]

Prints a bearer token of the development issuer, good for 12 hours with the system of this DATA_DIR.

  role      shopper    its own carts (the subject is the owner)
            business   the counts of shopper tracking
            catalog    reads and writes the catalog
            operator   looks after the system: subscriptions, rebuilds, parked events, metrics
            service    reads event feeds, as the services themselves do
  subject   the token's subject; by default the role's name

To keep it:  TOKEN=$(npm run --silent token -- shopper ann)
`;

/** Throws for an unknown role, or for more than the two arguments. */
export function parseTokenArguments(
  words: readonly string[],
  roles: readonly string[],
): TokenRequest | 'help' {
  if (words.includes('--help') || words.includes('-h')) return 'help';
  const [role, subject = role, ...rest] = words;
  const known = `the roles are ${roles.join(', ')}`;
  if (role === undefined || subject === undefined) {
    throw new Error(`npm run token -- <role> [subject]: ${known}; --help says what each may do`);
  }
  if (!roles.includes(role)) throw new Error(`"${role}" is not a role; ${known}`);
  if (rest.length > 0)
    throw new Error(`npm run token takes a role and a subject; "${rest[0]}" is one too many`);
  if (subject === '' || subject.length > MAX_SUBJECT_LENGTH) {
    throw new Error(`a subject has 1 to ${MAX_SUBJECT_LENGTH} characters`);
  }
  return { role, subject };
}
