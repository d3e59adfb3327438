/** `node launcher/src/load-all.ts` loads every module of the services once, also those that only some settings need. */
import { globSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
/** Modules that act when they are loaded, and modules that need a test runner. */
const LEFT_OUT = ['**/*main.ts', '**/*.test.ts', '**/*.contract.ts', '**/testing/**'];

const files = globSync('{*-service,shared}/src/**/*.ts', { cwd: fileURLToPath(ROOT), exclude: LEFT_OUT });
for (const file of files) await import(new URL(file, ROOT).href);
