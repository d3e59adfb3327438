/**
 * Installs the dependencies where they are missing, broken or out of date. Plain JavaScript without dependencies, for
 * Node 20. It prints to standard error alone, because the output of a script that follows may be read by another
 * program. Whatever goes wrong is said in one line that names what to do.
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
 * What the installation needs whatever NODE_ENV, the user's .npmrc or an npm_config_ variable say: a word of the command
 * line wins over all of these.
 */
const NEEDED = [
  ...['--include=dev', '--include=optional', '--include=peer'],
  ...['--ignore-scripts=false', '--bin-links=true', '--package-lock=true', '--package-lock-only=false'],
  ...['--install-strategy=hoisted', '--dry-run=false', '--global=false', '--engine-strict=false'],
];
const QUIET = ['--no-audit', '--no-fund', '--loglevel=error'];

/** Brings `root`, the repository, to where its scripts can run; or prints why not, and has the process fail. */
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

/** Whether npm last installed what package-lock.json says, and nothing of it was taken away since. */
function isUpToDate(root) {
  const installed = join(root, 'node_modules', '.package-lock.json');
  const wanted = join(root, 'package-lock.json');
  const there = readPackages(installed);
  if (!there || !areWhole(root, there)) return false;
  return mtimeMs(installed) >= mtimeMs(wanted) || hasAll(readPackages(wanted) ?? {}, there);
}

/**
 * A checkout touches package-lock.json without changing it. What is optional may be for another platform. A workspace has
 * no version here, but a link to its folder.
 */
const hasAll = (wanted, installed) =>
  Object.entries(wanted).every(
    ([path, { version, link, resolved, optional }]) =>
      optional ||
      !isInstalledAt(path) ||
      (link ? installed[path]?.resolved === resolved : installed[path]?.version === version),
  );

/** Of all packages, or of one workspace; the others are our own. */
const isInstalledAt = (path) => /^(?:[^/]+\/)*node_modules\//.test(path);

const areWhole = (root, packages) =>
  Object.keys(packages).every(
    (path) => !isInstalledAt(path) || mtimeMs(join(root, path, 'package.json')) !== undefined,
  );

/** The packages of a lock file; undefined where it is missing or cut short. */
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

/** What the installed Node says of itself; an empty version, and why, where it does not run. */
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
  // Where this fails, everything works all the same, and starts more slowly.
  spawnSync(join(root, 'node_modules', '.bin', 'node'), [join(root, 'launcher', 'src', 'compile-main.ts')], {
    cwd: root,
    stdio: 'ignore',
  });
}

/** By npm itself where it is what runs us, else by the one that the shell finds. */
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
