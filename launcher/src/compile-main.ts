/**
 * `node launcher/src/compile-main.ts` fills the compile cache, so that even the very first start finds it filled. A process
 * that has to strip the types itself keeps the memory for that as long as it lives.
 *
 * It runs the entry files too: without any settings, they end as soon as they have loaded their modules.
 */
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { NODE_ENVIRONMENT, NODE_FLAGS } from './node-settings.ts';
import { SYSTEM } from './system.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TIMEOUT_MS = 30_000;

for (const entry of ['launcher/src/load-all.ts', ...SYSTEM.map((row) => row.entry)]) {
  // Node ignores cached code that was compiled with other flags.
  spawnSync(process.execPath, [...NODE_FLAGS, entry], {
    cwd: ROOT,
    env: { PATH: process.env.PATH, ...NODE_ENVIRONMENT },
    stdio: 'ignore',
    timeout: TIMEOUT_MS,
  });
}
