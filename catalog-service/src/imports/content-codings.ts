/**
 * Codings of a feed's content that need no decoding by name. Whether the content is gzip, its first bytes say: some
 * hosts name `gzip` for plain files, and leave it out for compressed ones. `identity` is no coding; `aws-chunked` is
 * how a file was once uploaded to S3, which keeps the name and sends the file without it.
 */
const READABLE = new Set(['identity', 'gzip', 'x-gzip', 'aws-chunked']);

/**
 * The codings of a `Content-Encoding` that cannot be decoded here, in lower case. A list may have empty elements (RFC
 * 9110, 5.6.1.2), and codings are case-insensitive (8.4.1).
 */
export const unreadableCodings = (header = ''): string[] =>
  header
    .split(',')
    .map((element) => element.trim().toLowerCase())
    .filter((coding) => coding !== '' && !READABLE.has(coding));
