/** `npm start`: the whole system on this machine, every process on the Node that npm installed. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launch } from './launch.ts';
import { SYSTEM } from './system.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

await launch(SYSTEM, root, join(root, 'node_modules/node/bin/node'));
