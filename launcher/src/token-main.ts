/** `npm run token -- <role> [subject]`: prints a token of the development issuer, and nothing else. */
import { fileURLToPath } from 'node:url';
import { prepareIssuer } from '@micromart/engines/issuer/issuer';
import { roles } from '@micromart/http/authentication/authentication';
import { readSettings } from './arguments.ts';
import { openDataFolder } from './data-folder.ts';
import { issuerFolderOf } from './plan.ts';
import { parseTokenArguments, TOKEN_HELP } from './token-arguments.ts';

const TTL_S = 12 * 3_600;
const ROOT = fileURLToPath(new URL('../..', import.meta.url));

try {
  const request = parseTokenArguments(process.argv.slice(2), roles);
  if (request === 'help') {
    process.stdout.write(TOKEN_HELP);
  } else {
    const { dataDir } = readSettings(process.env, ROOT);
    await openDataFolder(dataDir);
    const issuer = await prepareIssuer(issuerFolderOf(dataDir));
    const token = await issuer.sign({ subject: request.subject, roles: [request.role], ttlS: TTL_S });
    process.stdout.write(`${token}\n`);
  }
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 1;
}
