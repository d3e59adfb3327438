import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openIssuer } from '@micromart/engines/issuer/issuer';
import { readAddresses } from '@micromart/launcher/addresses';
import { readArguments, USAGE } from './arguments.ts';
import { runDemo } from './demo.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** npm runs scripts in the root, but paths are relative to where the command was typed. */
const { DATA_DIR, INIT_CWD = process.cwd() } = process.env;

try {
  const args = readArguments(process.argv.slice(2), {
    baskets: resolve(root, 'demo/data/baskets.csv.gz'),
    catalog: resolve(root, 'demo/data/catalog.csv.gz'),
  });
  if (args === 'help') process.stdout.write(USAGE);
  else {
    const dataDir = resolve(root, DATA_DIR || '.data');
    const { sign } = await openIssuer(resolve(dataDir, 'issuer'));
    const { services, demoFeed } = await readAddresses(dataDir);
    const exact = await runDemo(
      {
        ...args,
        baskets: resolve(INIT_CWD, args.baskets),
        catalog: resolve(INIT_CWD, args.catalog),
        cartUrl: services['cart-service']!,
        catalogUrl: services['catalog-service']!,
        trackingUrl: services['shopper-tracking-service']!,
        feedUrl: demoFeed,
      },
      { sign, output: process.stdout },
    );
    process.exitCode = exact ? 0 : 1;
  }
} catch (error) {
  process.stderr.write(`demo: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
