/** The cart service for tests: its database, an issuer of tokens, and a stub of the catalog. */
import { writeFile } from 'node:fs/promises';
import { createLogger } from '@micromart/process/logger';
import type { Running } from '@micromart/service/run';
import { openTestIssuer, type TestIssuer } from '@micromart/testing/http';
import { openTestDatabase, type TestDatabase } from '@micromart/testing/postgres';
import { serviceSettings } from '@micromart/testing/service-settings';
import { openStubCatalog, type StubCatalog } from '@micromart/testing/stub-catalog';
import type { Config } from '../config.ts';
import { startCartService } from '../service.ts';

export type TestCarts = {
  readonly database: TestDatabase;
  readonly issuer: TestIssuer;
  readonly catalog: StubCatalog;
  /** The file with the service's own token. */
  readonly tokenFile: string;
  /** The caller closes the services before this. */
  start(settings?: Partial<Config>): Promise<Running>;
  close(): Promise<void>;
};

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: the tests check what a body contains.
  readonly body: any;
};

export type Asking = { body?: unknown; headers?: Record<string, string> };

export async function openTestCarts(): Promise<TestCarts> {
  const [database, issuer, catalog] = await Promise.all([
    openTestDatabase(),
    openTestIssuer(),
    openStubCatalog(),
  ]);
  const tokenFile = `${issuer.jwks}.token`;
  await writeFile(tokenFile, await issuer.token({ subject: 'cart-service', roles: ['service'] }));
  return {
    database,
    issuer,
    catalog,
    tokenFile,
    start: (settings = {}) =>
      startCartService(
        {
          ...serviceSettings(issuer),
          STORE_URL: database.url,
          CATALOG_URL: catalog.url,
          SERVICE_TOKEN_FILE: tokenFile,
          ...settings,
        },
        createLogger({ name: 'cart-service', level: 'silent' }),
      ),
    async close() {
      await Promise.all([database.close(), issuer.close(), catalog.stop()]);
    },
  };
}

/** Sends one request, without a token if `token` is empty. */
export async function ask(
  url: string,
  method: string,
  { token, body, headers = {} }: Asking & { token: string },
): Promise<Reply> {
  const response = await fetch(url, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, headers: response.headers, body: text ? JSON.parse(text) : undefined };
}
