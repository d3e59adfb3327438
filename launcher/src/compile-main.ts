/**
 * `node launcher/src/compile-main.ts`: fills the compile cache, so that the very first start finds it filled. A process that
 * has to strip the types from its code by itself keeps the 20 MB that this takes for as long as it lives.
 *
 * The entry files are run as well: without any settings, they end as soon as they have loaded what they need.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE_ENVIRONMENT, NODE_FLAGS } from './node-settings.ts';
import { SYSTEM } from './system.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TIMEOUT_MS = 30_000;

for (const entry of ['launcher/src/load-all.ts', ...SYSTEM.map((row) => row.entry)]) {
  // What is compiled with other flags would not be taken.
  spawnSync(process.execPath, [...NODE_FLAGS, entry], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...NODE_ENVIRONMENT },
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
}
