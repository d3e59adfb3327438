/** These mean listening on every address; this machine reaches such a process at its loopback address. */
const EVERY_ADDRESS: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '[::1]' };

/** The host in the URL of a process that listens on `address`; IPv6 in brackets (RFC 3986, 3.2.2). */
export function hostInUrl(address: string): string {
  const url = `http://[${address}]`;
  const written = URL.canParse(url) ? new URL(url).hostname : address;
  return EVERY_ADDRESS[written] ?? written;
}
