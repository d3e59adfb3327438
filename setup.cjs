/**
 * Runs before every npm script, on whatever Node the machine has: installs the dependencies when they are missing or
 * out of date, Node 24 among them, on which everything else runs. This file is read by any Node, however old, so that
 * it can say what is missing: it keeps to ECMAScript 5.
 */
'use strict';

var LEAST_NODE = 20;

function obstacle() {
  if (process.platform === 'win32') {
    return 'Micromart runs on Linux and macOS; on Windows, start it within WSL (wsl --install)';
  }
  if (Number(process.versions.node.split('.')[0]) < LEAST_NODE) {
    return (
      'Node ' +
      LEAST_NODE +
      ' or newer is needed to begin with; this is ' +
      process.version +
      ', see nodejs.org'
    );
  }
  return undefined;
}

var found = obstacle();
if (found) {
  process.stderr.write([found, ''].join('\n'));
  process.exitCode = 1;
} else {
  require('./launcher/setup/install.cjs').setUp(__dirname);
}
