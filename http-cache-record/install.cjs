/** Installs the suite and its other client, when they are missing or out of date. */
'use strict';

const { spawnSync } = require('node:child_process');
const { statSync } = require('node:fs');
const { join } = require('node:path');

const mtimeMs = (name) => statSync(join(__dirname, name), { throwIfNoEntry: false })?.mtimeMs ?? 0;

if (mtimeMs('node_modules/.package-lock.json') < mtimeMs('package-lock.json')) {
  process.stderr.write('Installing http-cache-tests …\n');
  const { status } = spawnSync('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: __dirname,
    stdio: ['ignore', 2, 2],
  });
  if (status !== 0) {
    process.stderr.write('npm ci failed in http-cache-record/; see above for why\n');
    process.exitCode = 1;
  }
}
