import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * As whom PostgreSQL runs. It refuses to run as root, and wants a user that /etc/passwd knows. So root hands it to the
 * owner of the data folder, or else to `nobody`. Where that user cannot reach the programs or the folder (a clone below
 * a home of mode 700), a user namespace lets root's own process pass for nobody. Which way works is found out by trying
 * it, as only the system knows all of modes, access lists and security modules.
 */
export type Way = {
  readonly name: string;
  /** What stands before the program on the command line. */
  readonly prefix: readonly string[];
  /** The user and group to become; those of this process where absent. */
  readonly identity: { readonly uid: number; readonly gid: number } | undefined;
  /** The user to whom the data folder must belong. */
  readonly owner: { readonly uid: number; readonly gid: number };
};

export type Passwd = readonly { readonly name: string; readonly uid: number; readonly gid: number }[];

const PROBE_TIMEOUT_MS = 10_000;
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin';

/** The environment of PostgreSQL's programs: nothing of ours, so that no `PG…` variable reaches them. */
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

/** The ways worth trying, best first. `folderOwner` is the user of an existing data folder. */
export function waysToRun(
  self: { uid: number; gid: number },
  folderOwner: number | undefined,
  passwd: Passwd,
): Way[] {
  if (self.uid !== 0) return [{ name: 'this user', prefix: [], identity: undefined, owner: self }];
  const owner = passwd.find(({ uid }) => uid === folderOwner && uid !== 0);
  const nobody = passwd.find(({ name }) => name === 'nobody');
  const ways = [owner, nobody]
    .filter(
      (user, index, all) => user !== undefined && all.findIndex((other) => other?.uid === user.uid) === index,
    )
    .map((user) => ({ uid: user!.uid, gid: user!.gid, name: user!.name }))
    .map(({ uid, gid, name }): Way => ({ name, prefix: [], identity: { uid, gid }, owner: { uid, gid } }));
  if (!nobody) return ways;
  const map = [`--map-user=${nobody.uid}`, `--map-group=${nobody.gid}`];
  const prefix = ['unshare', '--user', ...map, '--'];
  return [...ways, { name: 'nobody of a user namespace', prefix, identity: undefined, owner: self }];
}

/**
 * The first way in which `postgres` starts and `parent`, the folder above the data, can be entered. Throws one line
 * that says what to do when there is none.
 */
export async function chooseWay(
  ways: readonly Way[],
  { postgres, parent, environment }: { postgres: string; parent: string; environment: NodeJS.ProcessEnv },
): Promise<Way> {
  const failures: string[] = [];
  for (const way of ways) {
    const failure = await probe(way, { postgres, parent, environment });
    if (!failure) return way;
    failures.push(`as ${way.name}: ${failure}`);
  }
  const advice = ways.some(({ identity }) => identity)
    ? 'PostgreSQL does not run as root, and no other user can reach it here. Move the repository to a folder that ' +
      'everyone may enter (below /srv, /opt or /tmp), or start as another user'
    : "PostgreSQL's programs do not run here. Give the URL of a PostgreSQL server of your own";
  throw new Error(`${advice} (${failures.join('; ')})`);
}

async function probe(
  way: Way,
  { postgres, parent, environment }: { postgres: string; parent: string; environment: NodeJS.ProcessEnv },
): Promise<string | undefined> {
  const script = 'cd -- "$1" && exec "$2" --version';
  const [file, ...args] = [...way.prefix, '/bin/sh', '-c', script, 'sh', parent, postgres];
  try {
    const options = { env: environment, cwd: '/', timeout: PROBE_TIMEOUT_MS, ...way.identity };
    await promisify(execFile)(file!, args, options);
    return undefined;
  } catch (error) {
    const { stderr, message } = error as Error & { stderr?: string };
    return (stderr?.trim() || message).split('\n').at(-1)!;
  }
}

/** The users this system knows; none where it keeps them elsewhere. */
export const readPasswd = async (): Promise<Passwd> =>
  parsePasswd(await readFile('/etc/passwd', 'utf8').catch(() => ''));
