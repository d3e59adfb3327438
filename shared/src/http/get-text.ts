/**
 * A GET over connections that are kept, by Node's own client: `fetch` costs twice the time, and each process that uses
 * it ten megabytes. For services that ask each other all the time; redirects are not followed.
 */
import { get as getHttp, Agent as HttpAgent, type IncomingMessage } from 'node:http';
import { get as getHttps, Agent as HttpsAgent } from 'node:https';

export type TextAnswer = { readonly status: number; readonly text: string };

export type GetText = (
  url: string,
  options: {
    readonly headers: Readonly<Record<string, string>>;
    /** For the whole answer. */
    readonly timeoutMs: number;
    readonly maxBytes: number;
    readonly signal: AbortSignal;
  },
) => Promise<TextAnswer>;

/** `connections` at a time to each host. Idle ones keep no process alive. */
export function createGetText({ connections }: { connections: number }): GetText {
  const options = { keepAlive: true, maxSockets: connections };
  const agents = { http: new HttpAgent(options), https: new HttpsAgent(options) };

  return async (url, { headers, timeoutMs, maxBytes, signal }) => {
    const limited = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
    const secure = url.startsWith('https:');
    const agent = secure ? agents.https : agents.http;
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      const request = (secure ? getHttps : getHttp)(url, { agent, headers, signal: limited }, resolve);
      request.once('error', (error) => reject(limited.aborted ? limited.reason : error));
    });
    return { status: response.statusCode!, text: await readText(response, maxBytes) };
  };
}

async function readText(response: IncomingMessage, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) throw new Error(`answered more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, bytes).toString('utf8');
}
