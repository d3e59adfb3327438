/**
 * Installs the dependencies if they are missing, broken or out of date. Plain JavaScript without dependencies, for Node 20. It
 * prints only to standard error, because another program may read the output of the script that follows. Every error is one
 * line that says what to do.
 */
'use strict';

const { spawnSync } = require('node:child_process');
const { readFileSync, statSync } = require('node:fs');
const { basename, join } = require('node:path');
const { fileFailure, npmFailure, nodeFailure, SetupFailure } = require('./failures.cjs');
const { withLock } = require('./lock.cjs');

const WANTED_NODE = 'v24.';
const MAX_NPM_OUTPUT = 10_000_000;

/**
 * What the installation needs, whatever NODE_ENV, the user's .npmrc or an npm_config_ variable say: the command line overrides
 * all of these.
 */
const NEEDED = [
  ...['--include=dev', '--include=optional', '--include=peer'],
  ...['--ignore-scripts=false', '--bin-links=true', '--package-lock=true', '--package-lock-only=false'],
  ...['--install-strategy=hoisted', '--dry-run=false', '--global=false', '--engine-strict=false'],
];
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Prepares `root`, the repository, to run its scripts; or prints why it cannot, and makes the process fail. */
function setUp(root) {
  try {
    if (isInstalled(root)) return;
    withLock(root, () => {
      // Another run may have done it while this one waited.
      if (!isInstalled(root)) install(root);
    });
  } catch (error) {
    const failure = error instanceof SetupFailure ? error : fileFailure(root, error);
    process.stderr.write(`${failure.message}\n`);
    process.exitCode = 1;
  }
}

const isInstalled = (root) => isUpToDate(root) && tryNode(root).version.startsWith(WANTED_NODE);

/** Whether npm last installed what package-lock.json says, and nothing of it was removed since. */
function isUpToDate(root) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  const there = readPackages(installed);
  if (!there || !areWhole(root, there)) return false;
  return mtimeMs(installed) >= mtimeMs(wanted) || hasAll(readPackages(wanted) ?? {}, there);
}

/**
 * A checkout touches package-lock.json without changing it. An optional package may be for another platform. A workspace has
 * no version here, but a link to its folder.
 */
const hasAll = (wanted, installed) =>
  Object.entries(wanted).every(
    ([path, { version, link, resolved, optional }]) =>
      optional ||
      !isInstalledAt(path) ||
      (link ? installed[path]?.resolved === resolved : installed[path]?.version === version),
  );

/** The packages of all workspaces, or of one; without our own. */
const isInstalledAt = (path) => /^(?:[^/]+\/)*node_modules\//.test(path);

const areWhole = (root, packages) =>
  Object.keys(packages).every(
    (path) => !isInstalledAt(path) || mtimeMs(join(root, path, 'package.json')) !== undefined,
  );

/** The packages of a lock file; undefined if it is missing or cut short. */
function readPackages(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return undefined;
  }
}

function mtimeMs(file) {
  try {
    return statSync(file).mtimeMs;
  } catch {
    return undefined;
  }
}

/** The version of the installed Node; empty if it does not run, with the reason. */
function tryNode(root) {
  const file = join(root, 'node_modules', '.bin', 'node');
  const { stdout, stderr, error } = spawnSync(file, ['--version'], { encoding: 'utf8' });
  return { version: stdout ?? '', code: error?.code, said: stderr ?? '' };
}

function install(root) {
  process.stderr.write('Installing the dependencies, once; this takes up to a minute …\n');
  const { status, signal, error, stderr } = npm(root, ['ci', ...QUIET, ...NEEDED]);
  if (error || status !== 0) throw npmFailure(root, { signal, error, stderr: stderr ?? '' });
  const node = tryNode(root);
  if (!isInstalled(root)) throw nodeFailure(root, { ...node, wanted: WANTED_NODE });
  // If this fails, everything still works, but starts more slowly.
  spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(root, 'launcher', 'src', 'compile-main.ts')], {
    cwd: root,
    stdio: 'ignore',
  });
}

/** Uses the npm that runs this process, else the one that the shell finds. */
function npm(root, words) {
  const own = process.env.npm_execpath ?? '';
  const [file, ...before] = basename(own).startsWith('npm') ? [process.execPath, own] : ['npm'];
  return spawnSync(file, [...before, ...words], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: MAX_NPM_OUTPUT,
    stdio: ['ignore', 2, 'pipe'],
  });
}

module.exports = { setUp };
