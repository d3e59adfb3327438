import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { lchown, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import type { RunAs } from './user.ts';

const INITDB_TIMEOUT_MS = 120_000;
const DRAFT = '.new-';
const REMOVE = { recursive: true, force: true, maxRetries: 5 };

/** The user id of an existing data folder's owner; undefined if there is none yet. */
export const clusterOwner = async (folder: string): Promise<number | undefined> =>
  (await statOrUndefined(join(folder, 'PG_VERSION')))?.uid;

/**
 * Ensures that `folder` holds a database cluster that the user of `runAs` may use. A new one is created beside it and renamed in
 * one step, so a folder under its final name is always complete, whenever this process is killed. Throws when the folder
 * contains something else.
 */
export async function prepareCluster({
  folder,
  superuserPassword,
  binaries,
  runAs,
  environment,
  durable,
}: {
  folder: string;
  superuserPassword: string;
  binaries: Binaries;
  runAs: RunAs;
  environment: NodeJS.ProcessEnv;
  durable: boolean;
}): Promise<void> {
  const owner = await clusterOwner(folder);
  if (owner !== undefined) {
    if (owner !== runAs.owner.uid) await giveTo(folder, runAs.owner);
    return;
  }
  if (((await readdir(folder).catch(() => [])) as string[]).length > 0) {
    throw new Error(
      `${folder} is not empty and not a data folder of PostgreSQL; move it away or name another`,
    );
  }
  await removeDrafts(folder);
  // A unique name, because an initdb whose parent was killed may still write to its own draft.
  const draft = await mkdtemp(`${folder}${DRAFT}`);
  const [data, passwordFile] = [join(draft, 'data'), join(draft, 'password')];
  try {
    await writeFile(passwordFile, `${superuserPassword}\n`, { mode: 0o600 });
    await mkdir(data, { mode: 0o700 });
    if (runAs.identity) await giveTo(draft, runAs.owner);
    const [file, ...args] = [
      ...runAs.prefix,
      binaries.initdb,
      ...['--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile],
      ...['--encoding=UTF8', '--locale=C', '--auth-local=scram-sha-256', '--auth-host=scram-sha-256'],
      ...(durable ? [] : ['--no-sync']),
    ];
    const options = { env: environment, cwd: '/', timeout: INITDB_TIMEOUT_MS, ...runAs.identity };
    await promisify(execFile)(file!, args, options).catch((error: Error & { stderr?: string }) => {
      throw new Error(`initdb failed for ${folder}: ${error.stderr?.trim() || error.message}`);
    });
    await rename(data, folder);
  } finally {
    await rm(draft, REMOVE);
  }
}

async function removeDrafts(folder: string): Promise<void> {
  const parent = dirname(folder);
  for (const name of await readdir(parent)) {
    if (name.startsWith(`${basename(folder)}${DRAFT}`)) await rm(join(parent, name), REMOVE);
  }
}

/** Changes the owner of a folder and everything in it, which only root may do. */
async function giveTo(folder: string, owner: { uid: number; gid: number }): Promise<void> {
  try {
    for (const name of await readdir(folder, { recursive: true })) {
      await lchown(join(folder, name), owner.uid, owner.gid);
    }
    await lchown(folder, owner.uid, owner.gid);
  } catch (cause) {
    throw new Error(`${folder} belongs to another user; start as that user, or remove the folder`, { cause });
  }
}

const statOrUndefined = (path: string): Promise<Stats | undefined> =>
  stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return undefined;
    throw error;
  });
