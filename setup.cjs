/**
 * Runs before every npm script, on whatever Node the machine has: installs the dependencies when they are missing or
 * out of date, Node 24 among them, on which everything else runs. So it is plain JavaScript without dependencies.
 * It prints to standard error alone, because the output of a script that follows may be read by another program.
 */
'use strict';

const { spawnSync } = require('node:child_process');
const { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { basename, join } = require('node:path');

const LEAST_NODE = 20;
const WANTED_NODE = 'v24.';
const WAIT_CAP_MS = 900_000;
const POLL_MS = 200;
const PID_WRITTEN_CAP_MS = 10_000;
const MAX_NPM_LINES = 10;
const MAX_NPM_OUTPUT = 10_000_000;

const NODE = join(__dirname, 'node_modules', '.bin', 'node');
const COMPILE = join(__dirname, 'launcher', 'src', 'compile-main.ts');
const LOCK = join(__dirname, '.setup.lock');

class SetupFailure extends Error {}

function main() {
  if (Number(process.versions.node.split('.')[0]) < LEAST_NODE) {
    throw new SetupFailure(`Node ${LEAST_NODE} or newer is needed to begin with; this is ${process.version}`);
  }
  if (isInstalled()) return;
  takeLock();
  try {
    // Another run may have done it while this one waited.
    if (isInstalled()) return;
    install();
    if (!isInstalled()) throw new SetupFailure(whyNotInstalled());
    // Where this fails, everything works all the same, and starts more slowly.
    spawnSync(NODE, [COMPILE], { cwd: __dirname, stdio: 'ignore' });
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

const isInstalled = () => isUpToDate() && nodeVersion().startsWith(WANTED_NODE);

/** Whether npm last installed what package-lock.json says. */
function isUpToDate() {
  const installed = join(__dirname, 'node_modules', '.package-lock.json');
  const wanted = join(__dirname, 'package-lock.json');
  if (mtimeMs(installed) === undefined) return false;
  return mtimeMs(installed) >= mtimeMs(wanted) || hasAll(readPackages(wanted), readPackages(installed));
}

/** A checkout touches package-lock.json without changing it. What is optional may be for another platform. */
const hasAll = (wanted, installed) =>
  Object.entries(wanted).every(
    ([path, { version, optional }]) =>
      optional || !path.startsWith('node_modules/') || installed[path]?.version === version,
  );

const readPackages = (file) => JSON.parse(readFileSync(file, 'utf8')).packages;

const mtimeMs = (file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs;

const nodeVersion = () => spawnSync(NODE, ['--version'], { encoding: 'utf8' }).stdout ?? '';

function install() {
  process.stderr.write('Installing the dependencies, once; this takes up to a minute …\n');
  const { status, error, stderr } = npm(['ci', '--no-audit', '--no-fund', '--loglevel=error']);
  if (error)
    throw new SetupFailure(`npm could not be run (${error.message}); it comes with Node, see nodejs.org`);
  if (status !== 0) throw new SetupFailure(whyNpmFailed(stderr));
}

/** By npm itself where it is what runs us, else by the one that the shell finds. */
function npm(words) {
  const own = process.env.npm_execpath ?? '';
  const [file, ...before] = basename(own).startsWith('npm') ? [process.execPath, own] : ['npm'];
  return spawnSync(file, [...before, ...words], {
    cwd: __dirname,
    encoding: 'utf8',
    maxBuffer: MAX_NPM_OUTPUT,
    stdio: ['ignore', 2, 'pipe'],
  });
}

function whyNpmFailed(stderr) {
  if (/ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH/.test(stderr)) {
    return "npm's registry cannot be reached; see to the network, or to npm's proxy settings, and try again";
  }
  if (/EACCES|EPERM|EROFS/.test(stderr)) return cannotWrite();
  if (/ENOSPC/.test(stderr)) return 'the disk is full: the dependencies take 500 MB';
  if (/EUSAGE/.test(stderr))
    return 'package-lock.json does not fit the package.json files; run npm install, and commit both';
  return `npm ci failed: ${stderr.trim().split('\n').slice(0, MAX_NPM_LINES).join('\n')}`;
}

const cannotWrite = () =>
  `${__dirname} cannot be written; the dependencies are installed there, in node_modules`;

const whyNotInstalled = () =>
  `npm ci left node_modules/.bin/node missing or not ${WANTED_NODE}x; were npm's installation scripts switched off ` +
  '(npm config get ignore-scripts)? Run npm ci --ignore-scripts=false';

/** Two installations at once would take each other's files away. A folder is made by one process only. */
function takeLock() {
  let told = false;
  for (let waitedMs = 0; waitedMs < WAIT_CAP_MS; waitedMs += POLL_MS) {
    try {
      mkdirSync(LOCK);
      writeFileSync(join(LOCK, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw new SetupFailure(cannotWrite());
    }
    const holder = readHolder(LOCK);
    if (isGone(holder)) {
      removeStale(holder);
      continue;
    }
    if (!told)
      process.stderr.write('The dependencies are being installed by another run; waiting for it …\n');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  throw new SetupFailure(`another installation does not end; remove ${LOCK} when there is none`);
}

/** The process that made the lock; undefined before it has written its id. */
function readHolder(lock) {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isGone(holder) {
  if (holder === undefined) return Date.now() - (mtimeMs(LOCK) ?? Date.now()) > PID_WRITTEN_CAP_MS;
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Takes a dead run's lock away; a living one's, where another waiter was faster, is put back. */
function removeStale(holder) {
  const aside = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, aside);
    if (readHolder(aside) === holder) rmSync(aside, { recursive: true });
    else renameSync(aside, LOCK);
  } catch (error) {
    if (error.code !== 'ENOENT')
      throw new SetupFailure(`${LOCK} cannot be removed (${error.code}); remove it`);
  }
}

try {
  main();
} catch (error) {
  if (!(error instanceof SetupFailure)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
