/** `Cache-Status` (RFC 9211): how an answer came about, for whoever looks at it. */

export type CacheStatusParameters = {
  /** Why the request went to the origin; absent when it did not, and the answer is a hit. */
  readonly fwd?: 'uri-miss' | 'stale' | 'method' | undefined;
  readonly fwdStatus?: number | undefined;
  readonly ttlS?: number | undefined;
  readonly stored?: boolean | undefined;
  /** It went with another request that was under way. */
  readonly collapsed?: boolean | undefined;
  /** Lower-case words joined by hyphens. */
  readonly detail?: string | undefined;
};

/** This cache's member, behind those of the caches between it and the origin. `name` is a token. */
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
