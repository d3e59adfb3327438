/** The settings that every service has, for one that listens on a free port, believes this issuer and limits nobody. */
import type { TestIssuer } from './http.ts';

const NO_LIMIT_PER_SECOND = 1_000_000;

export const serviceSettings = ({ jwks, issuer, audience }: TestIssuer) => ({
  HOST: '127.0.0.1',
  PORT: 0,
  LOG_LEVEL: 'silent' as const,
  RATE_LIMIT_PER_SECOND: NO_LIMIT_PER_SECOND,
  READ_LIMIT_PER_SECOND: NO_LIMIT_PER_SECOND,
  METRICS_OPEN: false,
  AUTH_JWKS: jwks,
  AUTH_ISSUER: issuer,
  AUTH_AUDIENCE: audience,
});
