import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * The user that PostgreSQL runs as. It refuses to run as root, and needs a user that /etc/passwd knows. So root runs it as the
 * owner of the data folder, or else as `nobody`. If that user cannot reach the programs or the folder (a clone below a home of
 * mode 700), a user namespace makes root's process appear as nobody. Only a trial shows which of these works, because modes,
 * access lists and security modules all have a say.
 */
export type RunAs = {
  readonly name: string;
  /** Arguments before the program on the command line. */
  readonly prefix: readonly string[];
  /** The user and group of the process; undefined for those of this process. */
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  /** The required owner of the data folder. */
  readonly owner: { readonly uid: number; readonly gid: number };
};

export type Passwd = readonly { readonly name: string; readonly uid: number; readonly gid: number }[];

const PROBE_TIMEOUT_MS = 10_000;
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** The environment of PostgreSQL's programs. It contains none of ours, so that no `PG…` variable affects them. */
export const cleanEnvironment = (environment: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  PATH: SYSTEM_PATH,
  LC_ALL: 'C',
  TZ: 'UTC',
  ...environment,
});

/** The users of the system, from the text of /etc/passwd. */
export function parsePasswd(text: string): Passwd {
  return text
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => fields.length >= 4 && fields[0] !== '' && !fields[0]!.startsWith('#'))
    .map(([name, , uid, gid]) => ({ name: name!, uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }));
}

/** The users to try, best first. `folderOwner` is the user id of an existing data folder's owner. */
export function runAsCandidates(
  self: { uid: number; gid: number },
  folderOwner: number | undefined,
  passwd: Passwd,
): RunAs[] {
  if (self.uid !== 0) return [{ name: 'this user', prefix: [], identity: undefined, owner: self }];
  const owner = passwd.find(({ uid }) => uid === folderOwner && uid !== 0);
  const nobody = passwd.find(({ name }) => name === 'nobody');
  const candidates = [owner, nobody]
    .filter(
      (user, index, all) => user !== undefined && all.findIndex((other) => other?.uid === user.uid) === index,
    )
    .map((user) => ({ uid: user!.uid, gid: user!.gid, name: user!.name }))
    .map(({ uid, gid, name }): RunAs => ({ name, prefix: [], identity: { uid, gid }, owner: { uid, gid } }));
  if (!nobody) return candidates;
  const map = [`--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`];
  const prefix = ['unshare', '--user', ...map, '--'];
  return [...candidates, { name: 'nobody of a user namespace', prefix, identity: undefined, owner: self }];
}

/**
 * The first candidate that can start `postgres` and enter `parent`, the folder above the data. Throws one line that says what to
 * do when there is none.
 */
export async function chooseRunAs(
  candidates: readonly RunAs[],
  { postgres, parent, environment }: { postgres: string; parent: string; environment: NodeJS.ProcessEnv },
): Promise<RunAs> {
  const failures: string[] = [];
  for (const runAs of candidates) {
    const failure = await probe(runAs, { postgres, parent, environment });
    if (!failure) return runAs;
    failures.push(`as ${runAs.name}: ${failure}`);
  }
  const advice = candidates.some(({ identity }) => identity)
    ? 'PostgreSQL does not run as root, and no other user can reach it here. Move the repository to a folder that ' +
      'everyone may enter (below /srv, /opt or /tmp), or start as another user'
    : "PostgreSQL's programs do not run here. Give the URL of a PostgreSQL server of your own";
  throw new Error(`${advice} (${failures.join('; ')})`);
}

async function probe(
  runAs: RunAs,
  { postgres, parent, environment }: { postgres: string; parent: string; environment: NodeJS.ProcessEnv },
): Promise<string | undefined> {
  const script = 'cd -- "$1" && exec "$2" --version';
  const [file, ...args] = [...runAs.prefix, '/bin/sh', '-c', script, 'sh', parent, postgres];
  try {
    const options = { env: environment, cwd: '/', timeout: PROBE_TIMEOUT_MS, ...runAs.identity };
    await promisify(execFile)(file!, args, options);
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return (stderr?.trim() || message).split('\n').at(-1)!;
  }
}

/** The users in /etc/passwd; none if the system keeps them elsewhere. */
export const readPasswd = async (): Promise<Passwd> =>
  parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''));
