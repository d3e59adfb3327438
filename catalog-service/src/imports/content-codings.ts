/**
 * Codings of a feed's content that need nothing to be done by name. What `gzip` says the content's first bytes say as
 * well, so they decide: hosts name it for files they send as they are, and leave it out for packed ones. `identity` is
 * none; `aws-chunked` is how a file was once uploaded to S3, which keeps the name and sends the file without it.
 */
const READABLE = new Set(['identity', 'gzip', 'x-gzip', 'aws-chunked']);

/**
 * The codings that a `Content-Encoding` names and nobody here can undo, in small letters. A list may have empty elements
 * (RFC 9110, 5.6.1.2), and codings are the same in capitals (8.4.1).
 */
export const unreadableCodings = (header = ''): string[] =>
  header
    .split(',')
    .map((element) => element.trim().toLowerCase())
    .filter((coding) => coding !== '' && !READABLE.has(coding));
