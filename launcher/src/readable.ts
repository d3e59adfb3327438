const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** A service's log line (JSON from pino) as text for a terminal; any other line unchanged. */
export function readable(line: string): string {
  if (!line.startsWith('{')) return line;
  try {
    const { level, msg, err } = JSON.parse(line);
    if (typeof msg !== 'string' || !(level in LEVELS)) return line;
    return `${LEVELS[level]}: ${msg}${typeof err?.message === 'string' ? `: ${err.message}` : ''}`;
  } catch {
    return line;
  }
}
