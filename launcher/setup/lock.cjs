/** Two installations at once would remove each other's files, so one waits for the other. */
'use strict';

const { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const { SetupFailure } = require('./failures.cjs');

const WAIT_CAP_MS = 900_000;
const POLL_MS = 200;
const PID_WRITTEN_CAP_MS = 10_000;

/** Runs `work` while no other process does so in this folder. Throws the file system's error if it cannot create the lock. */
function withLock(root, work) {
  const lock = join(root, '.setup.lock');
  take(lock);
  try {
    work();
  } finally {
    rmSync(lock, { recursive: true, force: true });
  }
}

/** Only one process can create a folder. */
function take(lock) {
  let told = false;
  for (let waitedMs = 0; waitedMs < WAIT_CAP_MS; waitedMs += POLL_MS) {
    if (make(lock)) return;
    const holder = readHolder(lock);
    if (isGone(lock, holder)) {
      removeStale(lock, holder);
      continue;
    }
    if (!told)
      process.stderr.write('The dependencies are being installed by another run; waiting for it …\n');
    told = true;
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, POLL_MS);
  }
  throw new SetupFailure(`another installation does not end; remove ${lock} when there is none`);
}

function make(lock) {
  try {
    mkdirSync(lock);
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
  try {
    writeFileSync(join(lock, 'pid'), String(process.pid));
  } catch (error) {
    rmSync(lock, { recursive: true, force: true });
    throw error;
  }
  return true;
}

/** The process that created the lock; undefined until it has written its id. */
function readHolder(lock) {
  try {
    return Number(readFileSync(join(lock, 'pid'), 'utf8')) || undefined;
  } catch {
    return undefined;
  }
}

function isGone(lock, holder) {
  if (holder === undefined) {
    const madeMs = statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
    return Date.now() - madeMs > PID_WRITTEN_CAP_MS;
  }
  try {
    process.kill(holder, 0);
    return false;
  } catch (error) {
    return error.code === 'ESRCH';
  }
}

/** Removes a dead run's lock; puts a living one's back, if another waiter was faster. */
function removeStale(lock, holder) {
  const aside = `${lock}.${process.pid}`;
  try {
    renameSync(lock, aside);
    if (readHolder(aside) === holder) rmSync(aside, { recursive: true });
    else renameSync(aside, lock);
  } catch (error) {
    if (error.code !== 'ENOENT')
      throw new SetupFailure(`${lock} cannot be removed (${error.code}); remove it`);
  }
}

module.exports = { withLock };
