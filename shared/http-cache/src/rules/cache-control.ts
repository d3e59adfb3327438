/** `Cache-Control` of requests and answers (RFC 9111, 5.2). */

/** Values by directive in lower case; the value is empty for a directive without one. */
export type Directives = ReadonlyMap<string, string>;

/** Up to a comma outside of quotes; an unclosed quote reaches to the end. */
const MEMBER = /(?:[^,"]|"(?:[^"\\]|\\[\s\S]?)*(?:"|$))+/g;
const DIRECTIVE = /^\s*([\w!#$%&'*+.^`|~-]+)(?:=(?:"([^"\\]*)"|([\w!#$%&'*+.^`|~-]*)))?\s*$/;
const NAME = /^\s*([\w!#$%&'*+.^`|~-]+)/;
const NONE: Directives = new Map();

/**
 * Reads the header. Of a repeated directive the first counts (RFC 9111, 4.2.1). A malformed value is dropped but its
 * directive counts: it still forbids what it forbids, and a lifetime that cannot be read is zero.
 */
export function parseCacheControl(header: string | undefined): Directives {
  if (!header) return NONE;
  const directives = new Map<string, string>();
  for (const [member] of header.matchAll(MEMBER)) {
    const [, name, quoted, token] = DIRECTIVE.exec(member) ?? NAME.exec(member) ?? [];
    const key = name?.toLowerCase();
    if (key && !directives.has(key)) directives.set(key, quoted ?? token ?? '');
  }
  return directives;
}

export const formatCacheControl = (directives: Directives): string =>
  [...directives].map(([name, value]) => (value ? `${name}=${value}` : name)).join(', ');
