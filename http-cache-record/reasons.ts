/** Why the client does not pass a test, by the test's id or by its suite; what passes needs no reason. */

const SHARED = '`s-maxage` and `private` tell shared caches something; this one is private.';
const NO_DATE = 'Not a date of HTTP, so it means a time in the past (RFC 9111, 5.3).';
const NO_TAG = 'Not an entity tag (RFC 9110, 8.8.3); it is passed on as it is, and matches nothing.';
const NOT_ALLOWED =
  'Nothing may be answered from memory here, and nothing is: the origin cuts the connection, and the client answers its own 504, which the suite takes for an answer from memory.';
const OWNER_SAYS = 'Without `stale-if-error` the owner has not allowed it (RFC 9111, 4.2.4).';
const WARNING = '`Warning` is obsolete (RFC 9111, 5.5); `Cache-Status` tells it instead.';
const TENTH =
  'A tenth of the time since the last change is less than the three seconds that the suite waits.';
const LANGUAGES = 'Of the headers in `Vary`, white space is evened out, and nothing else is understood.';
const QUALIFIED = '`no-cache` with names counts as `no-cache` for all of it, as RFC 9111, 5.2.2.4 allows.';
const HEAD = 'A `HEAD` goes to the origin and changes nothing that is kept; RFC 9111, 4.3.5 leaves it open.';
const FIRST = 'Of two lifetimes the first counts, as RFC 9111, 4.2.1 allows, and the first is over.';
const BY_CALLER =
  'What was answered to a request with a token is kept for whom the token names, even where a shared cache might share it.';

export const REASONS: Readonly<Record<string, string>> = {
  'freshness-s-maxage-shared': SHARED,
  'freshness-max-age-s-maxage-shared-longer': SHARED,
  'freshness-max-age-s-maxage-shared-longer-reversed': SHARED,
  'freshness-max-age-s-maxage-shared-longer-multiple': SHARED,
  'freshness-max-age-s-maxage-shared-shorter': SHARED,
  'freshness-max-age-s-maxage-shared-shorter-expires': SHARED,
  'cc-resp-private-shared': SHARED,
  'freshness-max-age-a100': 'A lifetime that cannot be read is none (RFC 9111, 4.2.1).',
  'freshness-max-age-two-stale-fresh-sameline': FIRST,
  'freshness-max-age-two-stale-fresh-sepline': FIRST,
  'age-parse-prefix':
    'Whatever is not one number of seconds leaves the age unknown, and the answer stale; the other eleven tests of `Age` ask for just that.',
  'freshness-expires-invalid-aest': NO_DATE,
  'freshness-expires-invalid-2-digit-year': NO_DATE,
  'freshness-expires-invalid-time-periods': NO_DATE,
  'freshness-expires-invalid-multiple-lines': NO_DATE,
  'headers-omit-headers-listed-in-Cache-Control-no-cache-single': QUALIFIED,
  'headers-omit-headers-listed-in-Cache-Control-no-cache': QUALIFIED,
  'cc-resp-immutable-stale':
    "It tests the cache modes of a browser's `fetch`, which this client does not have.",
  'stale-close': OWNER_SAYS,
  'stale-503': OWNER_SAYS,
  'stale-close-must-revalidate': NOT_ALLOWED,
  'stale-close-proxy-revalidate': NOT_ALLOWED,
  'stale-close-no-cache': NOT_ALLOWED,
  'stale-close-s-maxage=2': NOT_ALLOWED,
  'stale-warning-stored': WARNING,
  'stale-warning-become': WARNING,
  'heuristic-delta-5': TENTH,
  'heuristic-delta-10': TENTH,
  'heuristic-delta-30': TENTH,
  'method-POST': 'Answers to `POST` are not kept: none of the services would ask for one twice.',
  'vary-normalise-lang-order': LANGUAGES,
  'vary-normalise-lang-case': LANGUAGES,
  'vary-normalise-lang-select': LANGUAGES,
  'conditional-lm-fresh-no-lm':
    'Without `Last-Modified` the time of the change is not known, and the time asked about lies before `Date`.',
  'conditional-etag-strong-respond-obs-text':
    "The suite's server sends the tag's last letter in UTF-8, so it is another one than the request has.",
  'conditional-etag-quoted-respond-unquoted': NO_TAG,
  'conditional-etag-unquoted-respond-unquoted': NO_TAG,
  'conditional-etag-unquoted-respond-quoted': NO_TAG,
  'conditional-etag-weak-respond-lowercase': NO_TAG,
  'conditional-etag-weak-respond-backslash': NO_TAG,
  'conditional-etag-weak-respond-omit-slash': NO_TAG,
  'conditional-etag-strong-generate-unquoted': NO_TAG,
  'conditional-etag-forward-unquoted': NO_TAG,
  'conditional-etag-vary-headers-mismatch':
    'The origin is asked about the variant that the request selects, not about all; RFC 9111, 4.3.1 allows both.',
  'head-200-retain': HEAD,
  'head-200-freshness-update': HEAD,
  'head-200-update': HEAD,
  'head-410-update': HEAD,
  'other-authorization-public': BY_CALLER,
  'other-authorization-must-revalidate': BY_CALLER,
  'other-authorization-smaxage': BY_CALLER,
};

export const SUITE_REASONS: Readonly<Record<string, string>> = {
  partial:
    'Parts are neither kept nor cut from what is kept: the services ask for the whole. A 206 is passed on.',
  'surrogate-control': 'For surrogates, which stand before an origin; a client has no such role.',
};
