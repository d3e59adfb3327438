/**
 * Where a feed may be read from: only hosts that are listed; private, loopback and other special addresses only if they are
 * listed themselves.
 *
 * A listed host's name may lead to any address, today or at the next look-up. So the worker checks the very address that it
 * is about to connect to, however it was written or looked up.
 */
import ipaddr from 'ipaddr.js';
import { FeedError } from './job-failure.ts';

/** `host:port` as URLs write hosts: in small letters, addresses in their canonical form, IPv6 in brackets. */
export type AllowedHosts = ReadonlySet<string>;

const ENTRY = /^(\[[0-9A-Fa-f:.]+\]|[^\s:@/\\?#[\]]+):([1-9][0-9]{0,4})$/;
const MAX_PORT = 65_535;

/** Reads a list of `host:port`, separated by commas; undefined if any entry is invalid. */
export function parseAllowedHosts(text: string): AllowedHosts | undefined {
  const entries = text.split(',').map((entry) => {
    const [, host, port] = ENTRY.exec(entry.trim()) ?? [];
    const address = `http://${host}/`;
    if (!host || Number(port) > MAX_PORT || !URL.canParse(address)) return undefined;
    return `${new URL(address).hostname}:${port}`;
  });
  return entries.every((entry) => entry !== undefined) ? new Set(entries) : undefined;
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' };

export type Target = {
  readonly url: URL;
  readonly port: number;
  /** The address, if the URL has one instead of a name to look up. */
  readonly address: string | undefined;
};

/** The host and port of a URL, given or redirected to. Throws FeedError if it is not allowed. */
export function targetOf(text: string, allowed: AllowedHosts): Target {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const defaultPort = DEFAULT_PORTS[url?.protocol ?? ''];
  if (!url || !defaultPort || url.username !== '' || url.password !== '') {
    throw new FeedError('address-refused', 'Feeds are read by http and https URLs without a user.');
  }
  const port = url.port || defaultPort;
  if (!allowed.has(`${url.hostname}:${port}`)) {
    throw new FeedError(
      'address-refused',
      `Feeds may not be read from ${url.hostname}:${port}; it is not in IMPORT_ALLOWED_HOSTS.`,
    );
  }
  const bare = url.hostname.replace(/^\[(.*)\]$/, '$1');
  const address = isAddress(bare) ? bare : undefined;
  if (address && !mayDial(address, Number(port), allowed)) throw notDialable();
  return { url, port: Number(port), address };
}

export const notDialable = () =>
  new FeedError(
    'address-refused',
    'The host has an address that is not public; IMPORT_ALLOWED_HOSTS must list the address itself.',
  );

/** Whether the worker may connect to an address: a public one, or one that is listed itself. */
export function mayDial(address: string, port: number, allowed: AllowedHosts): boolean {
  if (!isAddress(address)) return false;
  const parsed = ipaddr.process(address);
  return isPublic(parsed) || allowed.has(`${hostOf(parsed)}:${port}`);
}

/** Whether a host is an address. Look-ups and URLs have already normalised older notations of IPv4. */
const isAddress = (text: string): boolean =>
  ipaddr.IPv4.isValidFourPartDecimal(text) || ipaddr.IPv6.isValid(text);

const GLOBAL_UNICAST = ipaddr.IPv6.parseCIDR('2000::/3');

/**
 * Whether an address is public: not in the registries of special addresses (IANA, RFC 6890). For IPv6 only the global unicast
 * space counts, because the rest is unassigned or leads to IPv4 addresses under other names.
 */
const isPublic = (address: ipaddr.IPv4 | ipaddr.IPv6): boolean =>
  address.range() === 'unicast' && (address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST));

const hostOf = (address: ipaddr.IPv4 | ipaddr.IPv6): string =>
  address instanceof ipaddr.IPv4 ? address.toString() : `[${address.toRFC5952String()}]`;
