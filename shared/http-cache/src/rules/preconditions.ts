import type { HttpHeaders } from '@micromart/http/client/http-client';
import { matchesWeakly, parseTagCondition } from '@micromart/http/conditional/entity-tag';

/**
 * Whether the caller's own `If-None-Match` or, without one, `If-Modified-Since` shows that it has the stored answer, so that
 * it gets a 304 (RFC 9111, 4.3.2; RFC 9110, 13.2.2).
 */
export function isNotModified(request: HttpHeaders, stored: HttpHeaders): boolean {
  const noneMatch = request['if-none-match'];
  if (noneMatch !== undefined) {
    const condition = parseTagCondition(noneMatch);
    const [tag] = tagsOf(stored.etag);
    return condition !== undefined && tag !== undefined && matchesWeakly(condition, tag);
  }
  const since = request['if-modified-since'];
  return since !== undefined && Date.parse(stored['last-modified'] ?? '') <= Date.parse(since);
}

const tagsOf = (etag: string | undefined) => {
  const tags = parseTagCondition(etag ?? '');
  return tags === undefined || tags === '*' ? [] : tags;
};

/** The conditions that validate a stored answer (RFC 9111, 4.3.1); undefined if it has no validator. */
export function conditionsOf(stored: HttpHeaders): HttpHeaders | undefined {
  const { etag, 'last-modified': lastModified } = stored;
  if (etag === undefined && lastModified === undefined) return undefined;
  return {
    ...(etag !== undefined && { 'if-none-match': etag }),
    ...(lastModified !== undefined && { 'if-modified-since': lastModified }),
  };
}

/** Whether a 304 may answer this request. */
export const isConditional = (request: HttpHeaders): boolean =>
  request['if-none-match'] !== undefined || request['if-modified-since'] !== undefined;

/** The request with these conditions in place of its own. */
export function withConditions(request: HttpHeaders, conditions: HttpHeaders): HttpHeaders {
  const { 'if-none-match': _tag, 'if-modified-since': _since, ...others } = request;
  return { ...others, ...conditions };
}
