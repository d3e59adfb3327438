/**
 * Lifts a package of `shared/` out of the tree, as somebody would who wants it and nothing else: its folder, those of the
 * packages it declares, and of the others what its package.json names. What is not declared is not there.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const OURS = '@micromart/';
/** An example takes a second. One that hangs is ended before the test's own cap, so that the failure shows what it printed. */
const EXAMPLE_CAP_MS = 45_000;

/** The folder of one of our packages, by its name without scope. */
const folderOf = (name: string): string => join(ROOT, name === 'engines' ? '' : 'shared', name);

type Manifest = { readonly dependencies?: Readonly<Record<string, string>> };

export type Lifted = {
  /** Runs a program as a file of the package; gives how it ended and what it printed. */
  run(
    program: string,
    environment: Readonly<Record<string, string>>,
  ): Promise<{ code: number | null; stdout: string; stderr: string }>;
  remove(): Promise<void>;
};

export async function lift(name: string): Promise<Lifted> {
  const workspace = await mkdtemp(join(await realpath(tmpdir()), 'micromart-lift-'));
  await writeFile(join(workspace, 'package.json'), '{ "private": true, "type": "module" }');
  for (const one of await withDependencies(name)) await copyPackage(one, workspace);
  return {
    async run(program, environment) {
      const file = join(workspace, name, 'example.ts');
      await writeFile(file, program);
      const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', file], {
        env: { PATH: process.env.PATH, ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
        timeout: EXAMPLE_CAP_MS,
        killSignal: 'SIGKILL',
      });
      const [stdout, stderr, [code]] = await Promise.all([
        text(child.stdout),
        text(child.stderr),
        once(child, 'exit'),
      ]);
      return { code, stdout, stderr };
    },
    remove: () => rm(workspace, { recursive: true }),
  };
}

const readManifest = async (name: string): Promise<Manifest> =>
  JSON.parse(await readFile(join(folderOf(name), 'package.json'), 'utf8'));

/** A package and all of ours that it needs, by names without their scope. */
async function withDependencies(name: string, found = new Set<string>()): Promise<ReadonlySet<string>> {
  if (found.has(name)) return found;
  found.add(name);
  const { dependencies = {} } = await readManifest(name);
  for (const one of Object.keys(dependencies))
    if (one.startsWith(OURS)) await withDependencies(one.slice(OURS.length), found);
  return found;
}

/** Links are resolved to where they lead, so a link to an installed package brings that package's own dependencies too. */
async function copyPackage(name: string, workspace: string): Promise<void> {
  const folder = join(workspace, name);
  await cp(folderOf(name), folder, {
    recursive: true,
    filter: (path) => !path.endsWith('/node_modules'),
  });
  const { dependencies = {} } = await readManifest(name);
  for (const one of Object.keys(dependencies)) {
    const link = join(folder, 'node_modules', one);
    await mkdir(dirname(link), { recursive: true });
    const target = one.startsWith(OURS)
      ? join(workspace, one.slice(OURS.length))
      : await installed(name, one);
    await symlink(target, link);
  }
}

/** Where npm installed a package that one of ours declares: beside it, or at the root. */
async function installed(name: string, one: string): Promise<string> {
  const beside = join(folderOf(name), 'node_modules', one);
  return realpath(beside).catch(() => realpath(join(ROOT, 'node_modules', one)));
}

export type Example = {
  readonly program: string;
  /** What the page says that it prints; undefined where it says nothing. */
  readonly prints: string | undefined;
};

/** The first TypeScript block of a README under the heading `## Example`, and the text block that follows it. */
export function exampleOf(readme: string): Example | undefined {
  const [, section] = /^## Example$([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(readme) ?? [];
  const [, program] = /^```ts$([\s\S]*?)^```$/m.exec(section ?? '') ?? [];
  const [, prints] = /^```text\n([\s\S]*?)^```$/m.exec(section ?? '') ?? [];
  return program === undefined ? undefined : { program, prints };
}

export const readReadme = (name: string): Promise<string> =>
  readFile(join(folderOf(name), 'README.md'), 'utf8').catch(() => '');
