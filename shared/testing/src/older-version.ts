/**
 * For tests: the repository before a certain file came, with its own dependencies. It comes from the git history, so it is
 * absent without that history, or without a registry to install from.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import type { TestEngine } from './describe-on.ts';

const run = promisify(execFile);

export type OlderVersion = TestEngine & {
  /** The root folder; empty if there is none. */
  readonly folder: string;
  close(): Promise<void>;
};

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const GIT_TIMEOUT_MS = 60_000;
const INSTALL_TIMEOUT_MS = 600_000;
const UNREACHABLE =
  /E(NOTFOUND|AI_AGAIN|CONNREFUSED|CONNRESET|TIMEDOUT|HOSTUNREACH|NETUNREACH)|ERR_SOCKET_TIMEOUT/;

/** The last version before a file was added, with the dependencies of these workspaces installed. */
export async function openVersionBefore(file: string, workspaces: readonly string[]): Promise<OlderVersion> {
  const name = `the version before ${file}`;
  const none = (whyNot: string) => ({ name, whyNot, folder: '', close: async () => {} });

  const commit = await commitBefore(file);
  if (!commit) return none('the history does not reach that far back; git fetch --unshallow');
  const folder = await mkdtemp(join(tmpdir(), 'older-version-'));
  const close = () => rm(folder, { recursive: true, force: true });
  try {
    const archive = join(folder, 'version.tar');
    await run('git', ['-C', ROOT, 'archive', '--output', archive, commit], { timeout: GIT_TIMEOUT_MS });
    await run('tar', ['-xf', archive, '-C', folder], { timeout: GIT_TIMEOUT_MS });
    const named = workspaces.flatMap((workspace) => ['-w', workspace]);
    const quickly = ['--omit=dev', '--ignore-scripts', '--no-audit', '--no-fund'];
    await run('npm', ['ci', ...quickly, ...named], { cwd: folder, timeout: INSTALL_TIMEOUT_MS });
    return { name, whyNot: undefined, folder, close };
  } catch (error) {
    await close();
    if (UNREACHABLE.test(String((error as { stderr?: string }).stderr)))
      return none('no npm registry can be reached; connect this machine to one');
    throw error;
  }
}

/** Undefined if there is no history, or it does not reach that far back. */
async function commitBefore(file: string): Promise<string | undefined> {
  const git = async (...words: string[]) =>
    (await run('git', ['-C', ROOT, ...words], { timeout: GIT_TIMEOUT_MS })).stdout.trim();
  try {
    const added = (await git('log', '--diff-filter=A', '--format=%H', '--', file)).split('\n').at(-1);
    return added ? await git('rev-parse', '--verify', '--quiet', `${added}^`) : undefined;
  } catch {
    return undefined;
  }
}
