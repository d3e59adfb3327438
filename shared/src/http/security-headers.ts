/** What helmet advises for answers that are data: they may load nothing and stand in no frame. A page says what it needs by itself. */
import type { Request, Response } from 'express';
import helmet from 'helmet';

const decide = helmet({
  contentSecurityPolicy: {
    useDefaults: false,
    directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"] },
  },
  // Whoever ends TLS in front of the service speaks for the whole host.
  strictTransportSecurity: false,
});

/** By name. The same for every answer, so decided once: for each it would be a dozen calls through a dozen functions. */
export const securityHeaders: ReadonlyMap<string, string> = (() => {
  const headers = new Map<string, string>();
  const response = { setHeader: headers.set.bind(headers), removeHeader: () => {} };
  decide({} as Request, response as unknown as Response, () => {});
  return headers;
})();
