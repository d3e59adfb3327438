/**
 * Executes docs/your-own-read-model.md on a copy of the tree, block by block: writes its files, applies its diffs, runs its
 * commands. Installed packages are linked and not installed again, and the copy has its own addresses.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import {
  chmod,
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  realpath,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { freePortBase } from '@micromart/launcher/testing/free-port-base';
import { until } from '@micromart/testing/until';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));
const PAGE = 'docs/your-own-read-model.md';
const COMMAND_CAP_MS = 240_000;
const START_CAP_MS = 180_000;

type Block = { readonly language: string; readonly file: string | undefined; readonly text: string };

const BLOCK = /^```(\w+)(?: file=(\S+))?\n([\s\S]*?)^```$/gm;

const blocksOf = (page: string): Block[] =>
  [...page.matchAll(BLOCK)].map(([, language, file, text]) => ({ language: language!, file, text: text! }));

let home: string;
let tree: string;
let portBase: number;
let system: ChildProcess | undefined;

beforeAll(async () => {
  home = await mkdtemp(join(await realpath(tmpdir()), 'micromart-own-'));
  // Root runs PostgreSQL as another user, who must be able to enter.
  await chmod(home, 0o711);
  tree = join(home, 'tree');
  portBase = await freePortBase();
  for (const path of await listFiles()) {
    await mkdir(dirname(join(tree, path)), { recursive: true });
    await copyFile(join(ROOT, path), join(tree, path)).catch((error: NodeJS.ErrnoException) => {
      // The file is removed, but that is not committed yet.
      if (error.code !== 'ENOENT') throw error;
    });
  }
});

afterAll(async () => {
  if (system?.exitCode === null) {
    const exited = once(system, 'exit');
    system.kill('SIGTERM');
    await exited;
  }
  await rm(home, { recursive: true, force: true });
});

const environment = () => ({
  ...process.env,
  BASH_ENV: '',
  DATA_DIR: join(home, 'data'),
  PORT_BASE: String(portBase),
});

/** What git tracks, or would track. */
async function listFiles(): Promise<string[]> {
  const listed = ['ls-files', '--cached', '--others', '--exclude-standard', '-z'];
  const { stdout } = await run('git', listed, { cwd: ROOT, maxBuffer: 10_000_000 });
  return stdout.split('\0').filter(Boolean);
}

const shell = async (script: string): Promise<string> => {
  const ours = script.replaceAll(
    /localhost:4(\d{3})/g,
    (_, offset) => `127.0.0.1:${portBase + Number(offset)}`,
  );
  const options = { cwd: tree, env: environment(), timeout: COMMAND_CAP_MS, maxBuffer: 10_000_000 };
  const ran = run('bash', ['--norc', '-euo', 'pipefail', '-c', ours], options);
  const { stdout } = await ran.catch(({ message, stdout, stderr }) => {
    throw new Error([message, stdout, stderr].join('\n'));
  });
  return stdout;
};

/** The unchanged lines of a diff show where it belongs; they must occur once. */
async function applyDiff(file: string, diff: string): Promise<void> {
  const lines = diff.trimEnd().split('\n');
  const before = lines.filter((line) => !line.startsWith('+')).map((line) => line.slice(1));
  const after = lines.map((line) => line.slice(1));
  const source = await readFile(join(tree, file), 'utf8');
  expect(source.split(before.join('\n'))).toHaveLength(2);
  await writeFile(
    join(tree, file),
    source.replace(before.join('\n'), () => after.join('\n')),
  );
}

/** As npm would install it: every package installed here, and for each workspace its folder in the copy. */
async function linkWhatIsInstalled(): Promise<void> {
  for (const path of await listFiles()) {
    const folder = dirname(path);
    const installed = join(ROOT, folder, 'node_modules');
    if (!path.endsWith('package.json') || !existsSync(installed)) continue;
    await mkdir(join(tree, folder, 'node_modules'));
    for (const name of await readdir(installed))
      if (name !== '@micromart')
        await symlink(join(installed, name), join(tree, folder, 'node_modules', name));
  }
  const ours = join(tree, 'node_modules', '@micromart');
  await mkdir(ours);
  for (const name of await readdir(join(ROOT, 'node_modules', '@micromart')))
    await symlink(await readlink(join(ROOT, 'node_modules', '@micromart', name)), join(ours, name));
}

async function start(): Promise<void> {
  system = spawn(process.execPath, ['launcher/src/main.ts'], {
    cwd: tree,
    env: environment(),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [system.stdout!, system.stderr!])
    stream.on('data', (chunk) => {
      printed += chunk;
    });
  await until(() => /Everything runs.*imported/s.test(printed) || system!.exitCode !== null, {
    capMs: START_CAP_MS,
  });
  if (system.exitCode !== null) throw new Error(`the launcher ended with ${system.exitCode}:\n${printed}`);
}

test(
  'the page leads to a service that answers',
  async () => {
    let printed = '';
    for (const { language, file, text } of blocksOf(await readFile(join(ROOT, PAGE), 'utf8'))) {
      if (language === 'diff') await applyDiff(file!, text);
      else if (file) {
        await mkdir(dirname(join(tree, file)), { recursive: true });
        await writeFile(join(tree, file), text);
      } else if (language === 'text') expect(printed.trim()).toBe(text.trim());
      else if (text === 'npm install\n') await linkWhatIsInstalled();
      else if (text === 'npm start\n') await start();
      else printed = await shell(text);
    }
    expect(printed).not.toBe('');
  },
  COMMAND_CAP_MS + START_CAP_MS,
);

test(
  "the page's result passes the types and the rules of the tree",
  async () => {
    await shell('node node_modules/typescript/bin/tsc --noEmit');
    await shell('npm test -- e2e/architecture');
    await shell('node node_modules/@biomejs/biome/bin/biome check --vcs-enabled=false purchases-service');
  },
  COMMAND_CAP_MS,
);

test('the page needs no more than ten files', async () => {
  const files = blocksOf(await readFile(join(ROOT, PAGE), 'utf8')).filter(
    ({ language, file }) => file && language !== 'diff',
  );
  expect(files.length).toBeLessThanOrEqual(10);
});
