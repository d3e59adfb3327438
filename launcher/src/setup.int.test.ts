import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, expect, test } from '@jest/globals';

/** A stand-in for npm that does what npm ci does here, and writes down that it was run. */
const NPM = `
const { appendFileSync, cpSync, mkdirSync, existsSync, rmSync, symlinkSync } = require('node:fs');
appendFileSync('npm-runs', process.argv.slice(2).join(' ') + '\\n');
if (existsSync('npm-says')) {
  process.stderr.write(require('node:fs').readFileSync('npm-says'));
  process.exit(1);
}
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules/.bin', { recursive: true });
if (!existsSync('no-scripts')) symlinkSync(process.execPath, 'node_modules/.bin/node');
cpSync('package-lock.json', 'node_modules/.package-lock.json');
`;

const LOCKFILE = { packages: { '': {}, 'node_modules/a': { version: '1.0.0' } } };

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'setup-'));
  await copyFile(new URL('../../setup.cjs', import.meta.url), join(root, 'setup.cjs'));
  await writeFile(join(root, 'npm.cjs'), NPM);
  await write('package-lock.json', LOCKFILE);
});

afterEach(() => rm(root, { recursive: true }));

const write = (name: string, content: unknown) => writeFile(join(root, name), JSON.stringify(content));
const npmRuns = () =>
  readFile(join(root, 'npm-runs'), 'utf8').then(
    (runs) => runs.trim().split('\n'),
    () => [],
  );

const setup = async () => {
  const child = spawn(process.execPath, ['setup.cjs'], {
    cwd: root,
    env: { PATH: process.env.PATH, npm_execpath: join(root, 'npm.cjs') },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
};

test('has the code compiled once it is installed', async () => {
  await mkdir(join(root, 'launcher', 'src'), { recursive: true });
  await writeFile(
    join(root, 'launcher', 'src', 'compile-main.ts'),
    `require('node:fs').writeFileSync('compiled', '')`,
  );
  await writeFile(join(root, 'package.json'), '{}');
  expect(await setup()).toMatchObject({ code: 0, stdout: '' });
  expect(await readFile(join(root, 'compiled'), 'utf8')).toBe('');
});

test('installs what is missing, and does nothing the next time', async () => {
  expect(await setup()).toMatchObject({ code: 0, stdout: '' });
  expect(await npmRuns()).toEqual(['ci --no-audit --no-fund --loglevel=error']);
  expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await npmRuns()).toHaveLength(1);
});

test('installs again when another version is wanted', async () => {
  await setup();
  await write('package-lock.json', { packages: { 'node_modules/a': { version: '1.0.1' } } });
  await later('package-lock.json');
  expect(await setup()).toMatchObject({ code: 0 });
  expect(await npmRuns()).toHaveLength(2);
});

test('installs nothing when a checkout only touched the file, or what is optional is for another platform', async () => {
  await setup();
  const optional = { 'node_modules/mac': { version: '2.0.0', optional: true } };
  await write('package-lock.json', { packages: { ...LOCKFILE.packages, ...optional } });
  await later('package-lock.json');
  expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await npmRuns()).toHaveLength(1);
});

test('installs once when two begin at the same moment', async () => {
  const both = await Promise.all([setup(), setup()]);
  expect(both).toMatchObject([{ code: 0 }, { code: 0 }]);
  expect(await npmRuns()).toHaveLength(1);
});

test('waits for a living run and takes over from a dead one', async () => {
  const other = spawn('sleep', ['60']);
  await mkdir(join(root, '.setup.lock'));
  await writeFile(join(root, '.setup.lock/pid'), String(other.pid));
  const waiting = setup();
  await new Promise((done) => setImmediate(done));
  expect(await npmRuns()).toEqual([]);
  other.kill('SIGKILL');
  await once(other, 'exit');
  expect(await waiting).toMatchObject({ code: 0 });
  expect(await npmRuns()).toHaveLength(1);
});

test('says in one line that there is no network', async () => {
  await writeFile(join(root, 'npm-says'), 'npm error code ENOTFOUND\nnpm error network request to …');
  const { code, stderr } = await setup();
  expect(code).toBe(1);
  expect(stderr.trim().split('\n').at(-1)).toMatch(/^npm's registry cannot be reached; see to the network/);
});

test('says so when the folder cannot be written', async () => {
  await writeFile(join(root, 'npm-says'), 'npm error code EACCES');
  expect((await setup()).stderr).toMatch(/cannot be written; the dependencies are installed there/);
});

test('says so when the lock file was not brought up to date', async () => {
  await writeFile(join(root, 'npm-says'), 'npm error code EUSAGE\nnpm error …');
  expect((await setup()).stderr).toMatch(
    /package-lock\.json does not fit the package\.json files; run npm install/,
  );
});

test('passes on how npm begins otherwise', async () => {
  await writeFile(join(root, 'npm-says'), `npm error code EINTEGRITY\n${'npm error …\n'.repeat(1_000)}`);
  const { stderr } = await setup();
  expect(stderr).toMatch(/npm ci failed: npm error code EINTEGRITY\n/);
  expect(stderr.split('\n').length).toBeLessThan(20);
});

test('says what to do when Node was left out', async () => {
  await writeFile(join(root, 'no-scripts'), '');
  expect((await setup()).stderr).toMatch(
    /missing or not v24\.x; were npm's installation scripts switched off/,
  );
});

/** Makes a file younger than all others. */
const later = async (name: string) => {
  const soon = new Date(Date.now() + 60_000);
  await utimes(join(root, name), soon, soon);
};
