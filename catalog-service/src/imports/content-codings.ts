/**
 * Content codings of a feed that need no decoding by name. The first bytes show whether the content is gzip, because some
 * hosts name `gzip` for plain files, and omit it for compressed ones. `identity` is no coding. `aws-chunked` is how a file was
 * uploaded to S3, which stores the name and serves the file without the coding.
 */
const READABLE = new Set(['identity', 'gzip', 'x-gzip', 'aws-chunked']);

/**
 * The codings in a `Content-Encoding` that cannot be decoded here, in lower case. A list may have empty elements (RFC
 * 9110, 5.6.1.2), and codings are case-insensitive (8.4.1).
 */
export const unreadableCodings = (header = ''): string[] =>
  header
    .split(',')
    .map((element) => element.trim().toLowerCase())
    .filter((coding) => coding !== '' && !READABLE.has(coding));
