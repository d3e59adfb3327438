import type { ChildProcess } from 'node:child_process';

/** Has a child end when this process does, told to or not: a run that is broken off leaves nothing behind. */
export function endWithUs(child: ChildProcess): void {
  const end = () => child.kill('SIGTERM');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}
