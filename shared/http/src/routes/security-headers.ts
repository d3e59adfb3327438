/**
 * What helmet advises for answers that are data: they load nothing, appear in no frame, are embedded by no other site and
 * are never read as another type. The headers for pages, plug-ins and old browsers are left out, because each costs time
 * in every answer. A page sets what it needs itself.
 */
import type { Request, Response } from 'express';
import helmet from 'helmet';

const decide = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  // The proxy that ends TLS decides this for the whole host.
  strictTransportSecurity: false,
  crossOriginOpenerPolicy: false,
  originAgentCluster: false,
  referrerPolicy: false,
  xDnsPrefetchControl: false,
  xDownloadOptions: false,
  xPermittedCrossDomainPolicies: false,
  xXssProtection: false,
});

/** By name. All answers have the same ones, so helmet runs once and not for each answer. */
export const securityHeaders: ReadonlyMap<string, string> = (() => {
  const headers = new Map<string, string>();
  const response = { setHeader: headers.set.bind(headers), removeHeader: () => {} };
  decide({} as Request, response as unknown as Response, () => {});
  return headers;
})();
