import { lookup } from 'node:dns/promises';

/**
 * The address of HOST, looked up once, so that every process listens on the same one, and the catalog can be allowed to read
 * from it. Throws if it has no address, or one that not every URL can contain.
 */
export async function addressOf(host: string): Promise<string> {
  const address = await lookup(host).then(
    ({ address }) => address,
    ({ code }: NodeJS.ErrnoException) => {
      throw new Error(
        `HOST ${JSON.stringify(host)} is neither an address nor a name that this machine knows (${code}); ` +
          'give one of its addresses, such as 127.0.0.1, ::1 or 0.0.0.0',
      );
    },
  );
  if (address.includes('%') || /^::ffff:/i.test(address)) {
    throw new Error(
      `HOST ${JSON.stringify(host)} is an address that not every URL can contain; ` +
        'give one without a zone (%), and one of IPv4 in its usual form, such as 127.0.0.1',
    );
  }
  return address;
}
