/** The only file that knows the library with the rules of RFC 9111. */
import CachePolicy from 'http-cache-semantics';
import { type Directives, formatCacheControl } from './cache-control.ts';
import { headersForPolicy, initialAgeMs, type ReceivedAnswer, statusForPolicy } from './freshness.ts';

/** What the library decides about one answer at a given moment: `storable`, `age`, `maxAge`, `timeToLive`. */
export type Policy = CachePolicy;

/** `asked` are the directives of the request. */
export type CreatePolicy = (
  answer: ReceivedAnswer & { readonly status: number; readonly directives: Directives },
  asked: Directives,
) => Policy;

/** Makes policies that use this clock (milliseconds since 1970) and no other. */
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
    // The library counts from the arrival of the answer, plus a whole number of seconds; this gives it the exact age.
    return ClockedPolicy.fromObject({ ...policy.toObject(), t: receivedMs - initialAgeMs(answer) });
  };
}

/** The store's key already covers address, caller and variant, so the policy needs the directives only. */
export const requestForPolicy = (asked: Directives): CachePolicy.HttpRequest => ({
  method: 'GET',
  headers: { 'cache-control': formatCacheControl(asked) },
});
