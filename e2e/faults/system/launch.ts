/**
 * The launcher's process under faults: the real launcher with the system's own table, but for how long it waits between
 * starts, and for what its first argument says (a Difference, as JSON). The other arguments are the launcher's own.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LOCAL_HOST, type ProcessRow, SYSTEM } from '@micromart/launcher/system';
import { replaceModule } from './replace-module.ts';

export type Difference = {
  /** The files that run instead of the processes' entries, from the repository's root: a control. */
  readonly replaced?: Readonly<Record<string, string>> | undefined;
  /** Processes that another system has, above its PORT_BASE; whoever comes for one here is passed on to it. */
  readonly elsewhere?: { readonly names: readonly string[]; readonly portBase: number } | undefined;
};

const root = fileURLToPath(new URL('../../..', import.meta.url));
const [difference] = process.argv.splice(2, 1);
const { replaced, elsewhere } = JSON.parse(difference!) as Difference;
const table = SYSTEM.map((row): ProcessRow => {
  const { [row.name]: entry = row.entry } = replaced ?? {};
  if (!elsewhere?.names.includes(row.name)) return { ...row, entry };
  const { name, portOffset } = row;
  const settings = () => ({ ELSEWHERE: `${LOCAL_HOST}:${elsewhere.portBase + portOffset}` });
  return { name, portOffset, settings, entry: 'e2e/faults/system/elsewhere.ts', stores: [] };
});

replaceModule(
  import.meta.resolve('@micromart/launcher/back-off'),
  new URL('prompt-back-off.ts', import.meta.url).href,
);
const { launch } = await import('@micromart/launcher/launch');
await launch(table, root, join(root, 'node_modules/node/bin/node'));
