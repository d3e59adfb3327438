/**
 * What must be right in the head of any request, whatever it asks for, and what Node lets pass or answers without a problem:
 * whom it is for, how it is framed, and what it expects of us.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../problem.ts';

/** `uri-host [ ":" port ]` (RFC 9110, 7.2, and RFC 3986, 3.2.2); empty where the address has no host. */
const HOST =
  /^(?:\[(?:[0-9a-f:.]+|v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+)\]|(?:[\w.~!$&'()*+;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;
const CONTINUE = /^[ \t,]*100-continue[ \t,]*$/i;

/** Whoever frames requests in a way that others read differently is not listened to any longer. */
const CLOSE = { headers: { Connection: 'close' } };

/** The problem with a request's head, if there is one. */
export function faultOfHead(request: IncomingMessage): Problem | undefined {
  const { headers, httpVersionMinor } = request;
  const hosts = countHosts(request);
  if (hosts > 1) return problem('invalid', 'There is more than one Host header: send one.', CLOSE);
  if (hosts === 0) {
    if (httpVersionMinor > 0) return problem('invalid', 'There is no Host header: send one.', CLOSE);
  } else if (!HOST.test(headers.host as string)) {
    return problem('invalid', 'The Host header is not the name of a host, with a port or without.', CLOSE);
  }
  if (httpVersionMinor > 0) {
    if (headers.expect !== undefined && !CONTINUE.test(headers.expect)) {
      return problem('expectation-failed', 'Nothing can be expected here but 100-continue.');
    }
  } else if (headers['transfer-encoding'] !== undefined) {
    // RFC 9112, 6.1: the framing is to be taken for faulty.
    return problem('invalid', 'HTTP/1.0 has no Transfer-Encoding: send a Content-Length.', CLOSE);
  }
  return undefined;
}

/** Node keeps the first of several, where a request must have one (RFC 9112, 3.2). */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
