/**
 * Checks the head of every request for what Node accepts, or refuses without a problem document: its host, its framing
 * and its expectations.
 */
import type { IncomingMessage } from 'node:http';
import { type Problem, problem } from '../problem.ts';

/** `uri-host [ ":" port ]` (RFC 9110, 7.2, and RFC 3986, 3.2.2); empty if the address has no host. */
const HOST =
  /^(?:\[(?:[0-9a-f:.]+|v[0-9a-f]+\.[\w.~!$&'()*+,;=:-]+)\]|(?:[\w.~!$&'()*+;=-]|%[0-9a-f]{2})*)(?::\d*)?$/i;
const CONTINUE = /^[ \t,]*100-continue[ \t,]*$/i;

/** A client whose framing others read differently gets no second chance on its connection. */
const CLOSE = { headers: { Connection: 'close' } };

/** The problem with a request's head, if there is one. */
export function faultOfHead(request: IncomingMessage): Problem | undefined {
  const { headers, httpVersionMinor } = request;
  const hosts = countHosts(request);
  if (hosts > 1) return problem('invalid', 'There is more than one Host header: send one.', CLOSE);
  if (hosts === 0) {
    if (httpVersionMinor > 0) return problem('invalid', 'There is no Host header: send one.', CLOSE);
  } else if (!HOST.test(headers.host as string)) {
    return problem('invalid', 'The Host header is not a host with an optional port.', CLOSE);
  }
  if (httpVersionMinor > 0) {
    if (headers.expect !== undefined && !CONTINUE.test(headers.expect)) {
      return problem('expectation-failed', 'Only 100-continue is supported in Expect.');
    }
  } else if (headers['transfer-encoding'] !== undefined) {
    // RFC 9112, 6.1: such framing must be treated as faulty.
    return problem('invalid', 'HTTP/1.0 does not allow Transfer-Encoding: send a Content-Length.', CLOSE);
  }
  return undefined;
}

/** Node keeps the first of several Host headers, but a request must have exactly one (RFC 9112, 3.2). */
function countHosts({ rawHeaders }: IncomingMessage): number {
  let count = 0;
  for (let n = 0; n < rawHeaders.length; n += 2) {
    const name = rawHeaders[n] as string;
    if (name.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
