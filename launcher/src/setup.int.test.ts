import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';

/** A fake npm that does what npm ci does here, and records that it ran. */
const NPM = `
const { appendFileSync, cpSync, mkdirSync, existsSync, rmSync, symlinkSync } = require('node:fs');
appendFileSync('npm-runs', process.argv.slice(2).join(' ') + '\\n');
if (existsSync('npm-says')) {
  process.stderr.write(require('node:fs').readFileSync('npm-says'));
  process.exit(1);
}
rmSync('node_modules', { recursive: true, force: true });
mkdirSync('node_modules/.bin', { recursive: true });
if (!existsSync('no-scripts') && !existsSync('node-stub')) symlinkSync(process.execPath, 'node_modules/.bin/node');
for (const name of Object.keys(JSON.parse(require('node:fs').readFileSync('package-lock.json')).packages)) {
  if (name !== '') mkdirSync(name, { recursive: true });
  if (name !== '') require('node:fs').writeFileSync(name + '/package.json', '{}');
}
if (existsSync('node-stub')) cpSync('node-stub', 'node_modules/.bin/node');
cpSync('package-lock.json', 'node_modules/.package-lock.json');
`;

/** The second package is installed beside the one workspace that needs it. */
const LOCKFILE = {
  packages: { '': {}, 'node_modules/a': { version: '1.0.0' }, 'e2e/node_modules/b': { version: '1.0.0' } },
};

let root: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'set up-'));
  for (const name of ['setup.cjs', 'launcher/setup']) {
    await cp(new URL(`../../${name}`, import.meta.url), join(root, name), { recursive: true });
  }
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

const setup = async ({
  environment = {},
  before = '',
}: {
  environment?: Record<string, string>;
  /** Prepares the process before setup begins. */
  before?: string;
} = {}) => {
  await writeFile(join(root, 'before.cjs'), before);
  const child = spawn(process.execPath, ['--require', './before.cjs', 'setup.cjs'], {
    cwd: root,
    env: { PATH: process.env.PATH, npm_execpath: join(root, 'npm.cjs'), ...environment },
  });
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, 'exit'),
  ]);
  return { code, stdout, stderr };
};

test('compiles the code once it is installed', async () => {
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
  expect(await npmRuns()).toEqual([expect.stringMatching(/^ci --no-audit --no-fund --loglevel=error /)]);
  expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await npmRuns()).toHaveLength(1);
});

test.each(Object.keys(LOCKFILE.packages).slice(1))(
  'installs again when another version of %s is wanted',
  async (name) => {
    await setup();
    await write('package-lock.json', { packages: { ...LOCKFILE.packages, [name]: { version: '1.0.1' } } });
    await later('package-lock.json');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(await npmRuns()).toHaveLength(2);
  },
);

test('installs nothing if a checkout only touched the file, or an optional package is for another platform', async () => {
  await setup();
  const optional = { 'node_modules/mac': { version: '2.0.0', optional: true } };
  await write('package-lock.json', { packages: { ...LOCKFILE.packages, ...optional } });
  await later('package-lock.json');
  expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  expect(await npmRuns()).toHaveLength(1);
});

test('installs again when a workspace was added or has moved', async () => {
  const link = (resolved: string) => ({ 'node_modules/@shop/http': { resolved, link: true } });
  await setup();
  for (const [runs, folder] of [
    [2, 'shared'],
    [3, 'shared/http'],
  ] as const) {
    await write('package-lock.json', { packages: { ...LOCKFILE.packages, ...link(folder) } });
    await later('package-lock.json');
    expect(await setup()).toMatchObject({ code: 0 });
    expect(await npmRuns()).toHaveLength(runs);
  }
});

test('installs once if two start at the same moment', async () => {
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

describe('whatever the user or the machine has configured', () => {
  test.each([
    '--include=dev',
    '--include=optional',
    '--ignore-scripts=false',
    '--bin-links=true',
    '--package-lock=true',
  ])('npm is told %s', async (word) => {
    await setup({ environment: { NODE_ENV: 'production', npm_config_ignore_scripts: 'true' } });
    expect((await npmRuns())[0]!.split(' ')).toContain(word);
  });

  test('the npm settings of the tree agree', async () => {
    const lines = (await readFile(new URL('../../.npmrc', import.meta.url), 'utf8')).split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([
        'include[]=dev',
        'include[]=optional',
        'ignore-scripts=false',
        'bin-links=true',
      ]),
    );
  });

  test('every script runs setup itself, because npm skips pre-scripts when it ignores scripts', async () => {
    const { scripts } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
    for (const [name, script] of Object.entries(scripts)) {
      expect([name, script]).toEqual([
        name,
        expect.stringMatching(/^"\$\{npm_node_execpath:-node\}" setup\.cjs && /),
      ]);
    }
  });
});

describe('a broken installation is repaired', () => {
  const breakages: [string, () => Promise<unknown>][] = [
    ['a package was taken away', () => rm(join(root, 'node_modules/a'), { recursive: true })],
    ['a package of one workspace was taken away', () => rm(join(root, 'e2e'), { recursive: true })],
    [
      "npm's own list is cut short",
      () => writeFile(join(root, 'node_modules/.package-lock.json'), '{ "pack'),
    ],
    [
      'Node is a dangling link',
      async () => {
        await rm(join(root, 'node_modules/.bin/node'));
        await symlink('/nowhere/node', join(root, 'node_modules/.bin/node'));
      },
    ],
    [
      'Node is no program',
      async () => {
        await rm(join(root, 'node_modules/.bin/node'));
        await writeFile(join(root, 'node_modules/.bin/node'), 'no program', { mode: 0o755 });
      },
    ],
    [
      'node_modules is a file',
      async () => {
        await rm(join(root, 'node_modules'), { recursive: true });
        await writeFile(join(root, 'node_modules'), '');
      },
    ],
  ];
  test.each(breakages)('%s', async (_, breakIt) => {
    await setup();
    await breakIt();
    expect(await setup()).toMatchObject({ code: 0 });
    expect(await npmRuns()).toHaveLength(2);
    expect(await setup()).toEqual({ code: 0, stdout: '', stderr: '' });
  });
});

describe('one line explains', () => {
  const refusal = async (given?: Parameters<typeof setup>[0]): Promise<string> => {
    const { code, stdout, stderr } = await setup(given);
    expect([code, stdout]).toEqual([1, '']);
    const lines = stderr
      .split('\n')
      .filter((line) => !/^(Installing the dependencies|)$/.test(line.slice(0, 27)));
    expect(lines).toHaveLength(1);
    expect(lines[0]).not.toMatch(/^\s+at |undefined/);
    return lines[0]!;
  };

  test.each([
    [
      'code ENOTFOUND\nnpm error network request to …',
      /^npm's registry cannot be reached; see to the network/,
    ],
    ['code ECONNREFUSED', /registry cannot be reached/],
    ['code ENOTCACHED', /registry cannot be reached.*offline/],
    ['code ERR_SOCKET_TIMEOUT', /registry cannot be reached/],
    ['code SELF_SIGNED_CERT_IN_CHAIN', /does not trust the certificate.*cafile/],
    ['code E401\nnpm error Unable to authenticate', /asks for a login/],
    ['code E403', /refuses a package \(403\)/],
    ['code E404', /lacks a package \(404\)/],
    ['code ETARGET', /lacks a version/],
    [
      'code EACCES\nnpm error syscall mkdir',
      /cannot be written by this user; the dependencies are installed there/,
    ],
    ['code EROFS', /is on a read-only file system/],
    ['code ENOSPC', /the disk of .* is full/],
    [
      'code EUSAGE\nnpm error …',
      /package-lock\.json does not fit the package\.json files; .*run npm install$/,
    ],
    ['code EJSONPARSE\nnpm error JSON.parse', /is a merge not finished/],
    ['code EINTEGRITY\nnpm error sha512-…', /npm cache clean --force/],
    ['code EBADPLATFORM', /no package for this platform \(\w+-\w+\)/],
    [
      'code EWHAT\nnpm error path /x\nnpm error It went wrong\nnpm error more',
      /^npm ci failed \(EWHAT\): It went wrong$/,
    ],
    ['It just went wrong', /^npm ci failed: It just went wrong$/],
  ])('npm says %j', async (says, line) => {
    await writeFile(join(root, 'npm-says'), `npm error ${says}\n${'npm error …\n'.repeat(1_000)}`);
    expect(await refusal()).toMatch(line);
  });

  test('a silent npm, and the messages of older ones', async () => {
    await writeFile(join(root, 'npm-says'), '');
    expect(await refusal()).toBe('npm ci failed: it said nothing');
    await writeFile(join(root, 'npm-says'), 'npm ERR! code ENOSPC\n');
    expect(await refusal()).toMatch(/the disk of .* is full/);
  });

  test('npm is killed', async () => {
    await writeFile(join(root, 'npm.cjs'), "process.kill(process.pid, 'SIGKILL')");
    expect(await refusal()).toMatch(
      /^npm ci was ended by SIGKILL, as the system does when the memory is full/,
    );
  });

  test('there is no npm', async () => {
    expect(await refusal({ environment: { PATH: '/nowhere', npm_execpath: '' } })).toBe(
      'npm could not be run (ENOENT); it comes with Node, see nodejs.org',
    );
  });

  test('a Node that is too old, which even that Node can say', async () => {
    const before = "Object.defineProperty(process, 'versions', { value: { node: '0.10.48' } })";
    expect(await refusal({ before })).toMatch(/^Node 20 or newer is needed to begin with; this is v/);
    const text = await readFile(join(root, 'setup.cjs'), 'utf8');
    const code = text.replace(/\/\*[\s\S]*?\*\//, '');
    expect(code).not.toMatch(/=>|\?\.|\?\?|\b(const|let|class|async)\b|`|\.\.\./);
  });

  test('the system is Windows', async () => {
    const before = "Object.defineProperty(process, 'platform', { value: 'win32' })";
    expect(await refusal({ before })).toMatch(/runs on Linux and macOS; on Windows, start it within WSL/);
  });

  test('there is no Node for the platform, or it does not run, or is another', async () => {
    await writeFile(join(root, 'no-scripts'), '');
    expect(await refusal()).toMatch(/^npm brought no Node that runs on \w+-\w+.*Linux \(glibc\) and macOS/);
    await rm(join(root, 'no-scripts'));
    await writeFile(join(root, 'node-stub'), '#!/bin/sh\necho libc.so.6: not found >&2; exit 127', {
      mode: 0o755,
    });
    expect(await refusal()).toMatch(/runs on \w+-\w+ \(libc\.so\.6: not found\)/);
    await writeFile(join(root, 'node-stub'), '#!/bin/sh\necho v22.1.0');
    expect(await refusal()).toMatch(/\.bin\/node is v22\.1\.0, not v24\.x/);
    await chmod(join(root, 'node-stub'), 0o644);
    expect(await refusal()).toMatch(/\.bin\/node may not be run; .*noexec/);
  });

  test.each([
    ['EACCES', /cannot be written by this user/],
    ['EROFS', /is on a read-only file system/],
    ['ENOSPC', /the disk of .* is full/],
    ['EMFILE', /^the dependencies could not be installed in .*: EMFILE/],
  ])('the folder gives %s', async (code, line) => {
    const before = `require('node:fs').mkdirSync = () => { throw Object.assign(new Error('${code}: no'), { code: '${code}' }); };`;
    expect(await refusal({ before })).toMatch(line);
  });

  test('a package-lock.json that is missing or incomplete', async () => {
    await writeFile(join(root, 'npm-says'), 'npm error code EUSAGE');
    for (const text of ['', '<<<<<<< HEAD']) {
      await writeFile(join(root, 'package-lock.json'), text);
      expect(await refusal()).toMatch(/does not fit/);
    }
    await rm(join(root, 'package-lock.json'));
    expect(await refusal()).toMatch(/does not fit/);
  });
});

/** Makes a file newer than all others. */
const later = async (name: string) => {
  const soon = new Date(Date.now() + 60_000);
  await utimes(join(root, name), soon, soon);
};
