/**
 * The launcher's process under faults: the real launcher with the system's own table, but for how long it waits between
 * starts. `launch.ts <process> <entry>` runs that file, relative to the repository's root, in the place of the process's
 * own entry: a control.
 */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SYSTEM } from '@micromart/launcher/system';
import { replaceModule } from './replace-module.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const [name, entry] = process.argv.splice(2);
const table = SYSTEM.map((row) => (entry !== undefined && row.name === name ? { ...row, entry } : row));

replaceModule(
  import.meta.resolve('@micromart/launcher/back-off'),
  new URL('prompt-back-off.ts', import.meta.url).href,
);
const { launch } = await import('@micromart/launcher/launch');
await launch(table, root, join(root, 'node_modules/node/bin/node'));
