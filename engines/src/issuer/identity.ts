import { join } from 'node:path';

/** Issuer and audience of the development issuer's tokens. */
export const ISSUER = 'micromart-dev';
export const AUDIENCE = 'micromart';

/** The file of the public keys, within the issuer's folder. */
export const jwksFileOf = (issuerFolder: string): string => join(issuerFolder, 'jwks.json');
