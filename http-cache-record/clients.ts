/** The clients that the suite is run against, each as the `fetch` that it calls. */

import { createSend } from '@micromart/http/client/send';
import { CACHE_LIMITS, createCachingClient } from '@micromart/http-cache/caching-client';
import { Agent, cacheStores, interceptors, request } from 'undici';

export type SuiteRequest = {
  readonly method?: string;
  readonly headers?: readonly (readonly [string, string])[];
  readonly body?: string;
};

export type SuiteAnswer = {
  readonly status: number;
  readonly headers: Headers;
  text(): Promise<string>;
};

export type SuiteFetch = (url: string, request?: SuiteRequest) => Promise<SuiteAnswer>;

const CONNECTIONS = 200;
const SILENT = { answered() {}, collapsed() {}, requested() {}, evicted() {}, stored() {} };

/**
 * Ours, as the services use it, but for what the suite would mistake: it counts every request, so none is repeated; its
 * tests share an origin, so one that has it fail must not have it left alone for the others; and they come in hundreds.
 */
function ours(): SuiteFetch {
  const client = createCachingClient({
    name: 'micromart',
    send: createSend({ connections: CONNECTIONS }),
    meter: SILENT,
    limits: { ...CACHE_LIMITS, attempts: 1, pauseMs: 0, timeoutMs: 60_000 },
  });
  return async (url, { method = 'GET', headers = [], body } = {}) => {
    const told = { headers: joined(headers), ...(body !== undefined && { body }) };
    const answer =
      method === 'GET' ? await client.get(url, told) : await client.send(url, { method, ...told });
    return {
      status: answer.status,
      headers: new Headers({ ...answer.headers }),
      text: async () => answer.text,
    };
  };
}

/** The cache of undici, as a private one in memory. */
function undici(): SuiteFetch {
  const store = new cacheStores.MemoryCacheStore();
  const dispatcher = new Agent({ connections: CONNECTIONS }).compose(
    interceptors.cache({ type: 'private', store, methods: ['GET', 'HEAD'] }),
  );
  return async (url, { method = 'GET', headers = [], body } = {}) => {
    const answer = await request(url, {
      dispatcher,
      method: method as 'GET',
      headers: joined(headers),
      ...(body !== undefined && { body }),
    });
    const text = await answer.body.text();
    return { status: answer.statusCode, headers: headersOf(answer.headers), text: async () => text };
  };
}

export const clients = { ours, undici };

/** The lines of one name joined, as both clients take them. */
function joined(lines: readonly (readonly [string, string])[]): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of lines) {
    const key = name.toLowerCase();
    headers[key] = headers[key] === undefined ? value : `${headers[key]}, ${value}`;
  }
  return headers;
}

function headersOf(values: Readonly<Record<string, string | string[] | undefined>>): Headers {
  const headers = new Headers();
  for (const [name, value = []] of Object.entries(values))
    for (const line of [value].flat()) headers.append(name, line);
  return headers;
}
