/**
 * FerretDB 1.24.2 embedded in a small program of ours (main.go): a server that speaks MongoDB's protocol, for developers and
 * tests without MongoDB. It is not for production, because its updates are not atomic. Go builds it once, with modules from
 * the module proxy. The program is kept in a folder of the user's cache, under the hash of its sources, so that a later start
 * needs neither Go nor the network.
 */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const CACHE = join(homedir(), '.cache/micromart');
const SOURCES = ['go.mod', 'go.sum', 'main.go'] as const;
const LEAST_GO = [1, 24] as const;
const ASK_TIMEOUT_MS = 20_000;
const BUILD_TIMEOUT_MS = 900_000;
const MAX_OUTPUT = 10_000_000;
const MAX_LINES = 5;

/**
 * FerretDB indexes `_id` by one expression and queries it by another, so SQLite reads every document to find one. With the same
 * expression, it uses the index.
 */
const PATCH = {
  file: 'vendor/github.com/FerretDB/FerretDB/internal/backends/sqlite/metadata/metadata.go',
  from: `IDColumn = DefaultColumn + "->'$._id'"`,
  to: 'IDColumn = DefaultColumn + `->"_id"`',
} as const;

const execute = promisify(execFile);
const sourceOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/**
 * Resolves with the path of the server's program. Builds it if it is missing, which takes some minutes. Throws one line that
 * says what to install.
 */
export async function buildFerretdb(log: (line: string) => void, cache = CACHE): Promise<string> {
  const program = await programIn(cache);
  if (await isThere(program)) return program;
  await requireGo();
  log('building the MongoDB-compatible server with Go, once; this takes some minutes …');
  await mkdir(cache, { recursive: true });
  const draft = await mkdtemp(`${program}.`);
  try {
    for (const name of SOURCES) await copyFile(sourceOf(name), join(draft, name));
    await go(draft, ['mod', 'vendor']);
    await applyPatch(draft);
    await go(draft, ['build', '-mod=vendor', '-trimpath', '-ldflags', '-s -w', '-o', 'ferretdb', '.']);
    await rename(join(draft, 'ferretdb'), program);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return program;
}

/** Why the server is not available on this machine, in one line that says what to install; undefined if it is. */
export async function whyNoFerretdb(cache = CACHE): Promise<string | undefined> {
  if (await isThere(await programIn(cache))) return undefined;
  return requireGo().then(
    () => undefined,
    (error: Error) => error.message,
  );
}

/** The path of the program, under a name with its platform and the hash of its sources. */
async function programIn(cache: string): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(PATCH));
  for (const name of SOURCES) hash.update(await readFile(sourceOf(name)));
  return join(cache, `ferretdb-${process.platform}-${process.arch}-${hash.digest('hex').slice(0, 12)}`);
}

async function requireGo(): Promise<void> {
  const advice = `The MongoDB-compatible server is built with Go ${LEAST_GO.join('.')} or newer; install it (apt install golang, brew install go, or go.dev/dl), or give the URL of a MongoDB of your own`;
  const said = await execute('go', ['env', 'GOVERSION'], { timeout: ASK_TIMEOUT_MS }).catch(() => undefined);
  if (!said) throw new Error(`${advice}; the command "go" is missing or does not run`);
  const [, major, minor] = /^go(\d+)\.(\d+)/.exec(said.stdout) ?? [];
  const isEnough =
    Number(major) > LEAST_GO[0] || (Number(major) === LEAST_GO[0] && Number(minor) >= LEAST_GO[1]);
  if (!isEnough) throw new Error(`${advice}; the command "go" is ${said.stdout.trim()}`);
}

async function go(folder: string, args: readonly string[]): Promise<void> {
  await execute('go', args, {
    cwd: folder,
    timeout: BUILD_TIMEOUT_MS,
    maxBuffer: MAX_OUTPUT,
  }).catch((error) => {
    throw new Error(
      `Go could not build the MongoDB-compatible server (go ${args[0]}): ${firstLines(String(error.stderr || error.message))}`,
    );
  });
}

async function applyPatch(folder: string): Promise<void> {
  const file = join(folder, PATCH.file);
  const source = await readFile(file, 'utf8');
  if (!source.includes(PATCH.from)) throw new Error(`${PATCH.file} is not the version that the patch is for`);
  await writeFile(file, source.replace(PATCH.from, PATCH.to));
}

const firstLines = (said: string): string => said.trim().split('\n').slice(0, MAX_LINES).join('\n');

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
