import { execFile } from 'node:child_process';
import type { Stats } from 'node:fs';
import { lchown, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Binaries } from './binaries.ts';
import type { Way } from './user.ts';

const INITDB_TIMEOUT_MS = 120_000;
const DRAFT = '.new-';
const REMOVE = { recursive: true, force: true, maxRetries: 5 };

/** The owner of an existing data folder's files; undefined where there are none yet. */
export const clusterOwner = async (folder: string): Promise<number | undefined> =>
  (await statOrUndefined(join(folder, 'PG_VERSION')))?.uid;

/**
 * Sees to it that `folder` holds a database cluster that the way's user may use. A new one is made beside it and put
 * in its place by one rename, so a folder under its final name is always whole, whenever we are killed. Throws when
 * the folder holds something else.
 */
export async function prepareCluster({
  folder,
  superuserPassword,
  binaries,
  way,
  environment,
  durable,
}: {
  folder: string;
  superuserPassword: string;
  binaries: Binaries;
  way: Way;
  environment: NodeJS.ProcessEnv;
  durable: boolean;
}): Promise<void> {
  const owner = await clusterOwner(folder);
  if (owner !== undefined) {
    if (owner !== way.owner.uid) await giveTo(folder, way.owner);
    return;
  }
  if (((await readdir(folder).catch(() => [])) as string[]).length > 0) {
    throw new Error(
      `${folder} is not empty and not a data folder of PostgreSQL; move it away or name another`,
    );
  }
  await removeDrafts(folder);
  // A name of its own, as an initdb whose parent was killed may still be writing to its own draft.
  const draft = await mkdtemp(`${folder}${DRAFT}`);
  const [data, passwordFile] = [join(draft, 'data'), join(draft, 'password')];
  try {
    await writeFile(passwordFile, `${superuserPassword}\n`, { mode: 0o600 });
    await mkdir(data, { mode: 0o700 });
    if (way.identity) await giveTo(draft, way.owner);
    const [file, ...args] = [
      ...way.prefix,
      binaries.initdb,
      ...['--pgdata', data, '--username', 'postgres', '--pwfile', passwordFile],
      ...['--encoding=UTF8', '--locale=C', '--auth-local=scram-sha-256', '--auth-host=scram-sha-256'],
      ...(durable ? [] : ['--no-sync']),
    ];
    const options = { env: environment, cwd: '/', timeout: INITDB_TIMEOUT_MS, ...way.identity };
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

/** Gives a folder and all in it to its new owner, which only root may. */
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
