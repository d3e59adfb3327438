/** The one place that knows the library which holds the rules of RFC 9111. */
import CachePolicy from 'http-cache-semantics';
import { type Directives, formatCacheControl } from './cache-control.ts';
import { headersForPolicy, initialAgeMs, type ReceivedAnswer, statusForPolicy } from './freshness.ts';

/** What the library decides of one answer, at the moment of asking: `storable`, `age`, `maxAge`, `timeToLive`. */
export type Policy = CachePolicy;

/** `asked` are the directives of the request. */
export type CreatePolicy = (
  answer: ReceivedAnswer & { readonly status: number; readonly directives: Directives },
  asked: Directives,
) => Policy;

/** Policies that ask this clock (milliseconds since 1970) and no other. */
export function createPolicyFactory(clock: () => number): CreatePolicy {
  class ClockedPolicy extends CachePolicy {
    now(): number {
      return clock();
    }
  }

  return (answer, asked) => {
    const { status, headers, directives, receivedMs } = answer;
    const judged = {
      status: statusForPolicy(status, headers, directives),
      headers: headersForPolicy(answer, directives),
    };
    const policy = new ClockedPolicy(requestForPolicy(asked), judged, { shared: false });
    // The library counts from the moment that the answer came, plus a whole number of seconds.
    return ClockedPolicy.fromObject({ ...policy.toObject(), t: receivedMs - initialAgeMs(answer) });
  };
}

/** Who asks for what, and by which variant, is settled by where an answer is kept; the directives are the rest. */
export const requestForPolicy = (asked: Directives): CachePolicy.HttpRequest => ({
  method: 'GET',
  headers: { 'cache-control': formatCacheControl(asked) },
});
