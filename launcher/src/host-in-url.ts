/** Listening there means listening on every address; it is reached on this machine's own. */
const EVERY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/** How URLs write the address at which a process is reached that listens on `address`: IPv6 in brackets (RFC 3986, 3.2.2). */
export function hostInUrl(address: string): string {
  const url = `http://[${address}]`;
  const written = URL.canParse(url) ? new URL(url).hostname : address;
  return EVERY_ADDRESS[written] ?? written;
}
