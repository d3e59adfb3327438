/** What a service says about itself: its metrics, its OpenAPI and AsyncAPI documents, and a page for people. */
import { z } from 'zod';
import type { Metrics } from '../metrics.ts';
import { type Route, route } from '../route.ts';
import { createDocsPage, DOCS_CONTENT_SECURITY_POLICY } from './docs-page.ts';
import { type OpenApiDocument, openApiDocument } from './openapi.ts';

export type ReferenceSettings = {
  readonly name: string;
  readonly version?: string;
  readonly metrics: Metrics;
  readonly metricsOpen: boolean;
  readonly routes: readonly Route[];
  readonly asyncapi?: unknown;
};

const CACHED_BRIEFLY = { 'Cache-Control': 'public, max-age=60' };
const JSON_DOCUMENT = { ...CACHED_BRIEFLY, 'Content-Type': 'application/json' };

const jsonObject = z.looseObject({});

/**
 * The documents describe `routes` and these routes themselves. Each is made when it is first requested, and kept as bytes
 * that all answers share: everybody may ask for it, and a document is far larger than other answers.
 */
export function referenceRoutes(settings: ReferenceSettings): Route[] {
  const { name, version = '1', metrics, metricsOpen, asyncapi } = settings;
  let document: OpenApiDocument | undefined;
  const openapi = () => {
    document ??= openApiDocument({ title: name, version, routes: [...settings.routes, ...routes] });
    return document;
  };
  const documentBytes = once(() => JSON.stringify(openapi()));
  const page = once(() => createDocsPage(openapi()));

  const routes: Route[] = [
    route({
      method: 'get',
      path: '/metrics',
      summary: 'Metrics in the Prometheus format',
      roles: metricsOpen ? 'open' : ['operator'],
      answers: { 200: { description: 'The metrics', contentType: 'text/plain' } },
      problems: [],
      handle: async () => ({
        status: 200,
        headers: { 'Content-Type': metrics.registry.contentType },
        text: await metrics.registry.metrics(),
      }),
    }),
    route({
      method: 'get',
      path: '/openapi.json',
      summary: 'This interface as an OpenAPI document',
      roles: 'open',
      answers: { 200: { description: 'The document', schema: jsonObject } },
      problems: [],
      handle: () => ({ status: 200, headers: JSON_DOCUMENT, text: documentBytes() }),
    }),
    route({
      method: 'get',
      path: '/docs',
      summary: 'This interface, for people',
      roles: 'open',
      answers: { 200: { description: 'The page', contentType: 'text/html' } },
      problems: [],
      handle: () => ({
        status: 200,
        headers: {
          ...CACHED_BRIEFLY,
          'Content-Type': 'text/html; charset=utf-8',
          'Content-Security-Policy': DOCS_CONTENT_SECURITY_POLICY,
          'Referrer-Policy': 'no-referrer',
        },
        text: page(),
      }),
    }),
  ];
  if (asyncapi !== undefined) {
    const bytes = once(() => JSON.stringify(asyncapi));
    routes.push(
      route({
        method: 'get',
        path: '/asyncapi.json',
        summary: 'What this service publishes, as an AsyncAPI document',
        roles: 'open',
        answers: { 200: { description: 'The document', schema: jsonObject } },
        problems: [],
        handle: () => ({ status: 200, headers: JSON_DOCUMENT, text: bytes() }),
      }),
    );
  }
  return routes;
}

function once(make: () => string): () => Buffer {
  let made: Buffer | undefined;
  return () => {
    made ??= Buffer.from(make());
    return made;
  };
}
