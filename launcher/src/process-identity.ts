import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * The system reuses the id of an ended process. Together with its start time it identifies one process for good: on Linux in
 * clock ticks since the machine's start, elsewhere as a date.
 */
export type ProcessIdentity = { readonly pid: number; readonly started: string };

const PS_TIMEOUT_MS = 5_000;

/** The identity of a running process; undefined if there is none, or only a zombie. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const started = process.platform === 'linux' ? startOnLinux(pid) : startByPs(pid);
  return started ? { pid, started } : undefined;
}

/** Whether this very process still runs. */
export const isRunning = ({ pid, started }: ProcessIdentity): boolean => identityOf(pid)?.started === started;

function startOnLinux(pid: number): string | undefined {
  try {
    return startInStat(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return undefined;
  }
}

/** The start time from the text of `/proc/<pid>/stat` (proc_pid_stat(5)); undefined for a zombie. */
export function startInStat(text: string): string | undefined {
  // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
  const [state, ...fields] = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return state === 'Z' || state === 'X' ? undefined : fields[18];
}

function startByPs(pid: number): string | undefined {
  try {
    const text = execFileSync('ps', ['-o', 'state=,lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      timeout: PS_TIMEOUT_MS,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [state, ...date] = text.trim().split(/\s+/);
    return state?.startsWith('Z') ? undefined : date.join(' ');
  } catch {
    return undefined;
  }
}
