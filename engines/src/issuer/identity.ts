import { join } from 'node:path';

/** What the development issuer's tokens say of who made them, and for whom. */
export const ISSUER = 'micromart-dev';
export const AUDIENCE = 'micromart';

/** The file of the public keys, within the issuer's folder. */
export const jwksFileOf = (issuerFolder: string): string => join(issuerFolder, 'jwks.json');
