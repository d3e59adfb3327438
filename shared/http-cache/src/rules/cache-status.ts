/** `Cache-Status` (RFC 9211): how an answer came about, for debugging. */

export type CacheStatusParameters = {
  /** Why the request went to the origin; absent for a hit. */
  readonly fwd?: 'uri-miss' | 'stale' | 'method' | undefined;
  readonly fwdStatus?: number | undefined;
  readonly ttlS?: number | undefined;
  readonly stored?: boolean | undefined;
  /** It shared another request to the origin. */
  readonly collapsed?: boolean | undefined;
  /** Lower-case words joined by hyphens. */
  readonly detail?: string | undefined;
};

/** This cache's entry, after those of the caches between it and the origin. `name` is a token. */
export function formatCacheStatus(name: string, parameters: CacheStatusParameters, before?: string): string {
  const { fwd, fwdStatus, ttlS, stored, collapsed, detail } = parameters;
  const parts = [
    name,
    fwd === undefined ? 'hit' : `fwd=${fwd}`,
    fwdStatus !== undefined && `fwd-status=${fwdStatus}`,
    ttlS !== undefined && `ttl=${ttlS}`,
    stored && 'stored',
    collapsed && 'collapsed',
    detail !== undefined && `detail=${detail}`,
  ].filter(Boolean);
  return (before ? `${before}, ` : '') + parts.join('; ');
}
