import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from '@jest/globals';
import { until } from '@micromart/testing/until';

const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

/** Runs a `main.ts` of these lines, which passes `config` and `start` to `run`. */
function main({ config = "{ return { LOG_LEVEL: 'info' }; }", start }: { config?: string; start: string }) {
  const source = `
    import { run } from '${new URL('./run.ts', import.meta.url)}';
    import { Unusable } from '${new URL('../../process/src/unusable.ts', import.meta.url)}';
    import { ConfigError } from '${new URL('./config.ts', import.meta.url)}';
    await run('test', () => ${config}, async () => { ${start} });
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', source]);
  children.push(child);
  const seen = { out: '', err: '', code: undefined as number | null | undefined };
  child.stdout.on('data', (chunk) => {
    seen.out += chunk;
  });
  child.stderr.on('data', (chunk) => {
    seen.err += chunk;
  });
  child.on('close', (code) => {
    seen.code = code;
  });
  return { child, seen, ended: () => until(() => seen.code !== undefined) };
}

const KEEP_ALIVE = 'setInterval(() => {}, 1_000);';

describe('run', () => {
  test('reports what is wrong with the settings and does not start', async () => {
    const { seen, ended } = main({
      config: "{ throw new ConfigError('PORT: is not set'); }",
      start: 'process.stdout.write("started")',
    });
    await ended();
    expect(seen).toEqual({ out: '', err: 'PORT: is not set\n', code: 78 });
  });

  test.each(['SIGTERM', 'SIGINT'] as const)('closes on %s and exits with 0', async (signal) => {
    const { child, seen, ended } = main({
      start: `${KEEP_ALIVE} return { url: 'http://here', close: async () => void process.stdout.write('closed ') };`,
    });
    await until(() => seen.out.includes('listening'));
    child.kill(signal);
    await ended();
    expect(seen.code).toBe(0);
    expect(seen.out).toMatch(/"url":"http:\/\/here","msg":"listening".*closed .*"stopped"/s);
  });

  test('exits with 1 when closing hangs', async () => {
    const { child, seen, ended } = main({
      start: `${KEEP_ALIVE} return { url: '', close: () => new Promise(() => {}) };`,
    });
    await until(() => seen.out.includes('listening'));
    child.kill('SIGTERM');
    await ended();
    expect(seen.code).toBe(1);
    expect(seen.out).toContain('not everything closed within 5000 ms');
  });

  test('exits at once on a second signal', async () => {
    const { child, seen, ended } = main({
      start: `${KEEP_ALIVE} return { url: '', close: () => new Promise(() => {}) };`,
    });
    await until(() => seen.out.includes('listening'));
    child.kill('SIGINT');
    await until(() => seen.out.includes('stopping'));
    child.kill('SIGINT');
    await ended();
    expect(seen.code).toBe(1);
    expect(seen.out).not.toContain('not everything ended');
  });

  test('exits with 1 when starting fails, and says why', async () => {
    const { seen, ended } = main({ start: "throw new Error('no store');" });
    await ended();
    expect(seen.code).toBe(1);
    expect(seen.out).toMatch(/no store.*could not start/s);
  });

  test('says in one line that a setting cannot work, and exits so that no supervisor restarts it', async () => {
    const { seen, ended } = main({ start: "throw new Unusable('PostgreSQL 17 or newer is needed');" });
    await ended();
    expect(seen.code).toBe(78);
    expect(seen.out.trim().split('\n')).toEqual([
      expect.stringMatching(/"level":60.*"msg":"PostgreSQL 17 or newer is needed"/),
    ]);
    expect(seen.out).not.toContain('stack');
  });

  test.each([
    ['an error that nobody catches', "setTimeout(() => { throw new Error('lost'); });"],
    ['a rejection that nobody handles', "void Promise.reject(new Error('lost'));"],
  ])('logs %s and ends badly', async (_, cause) => {
    const { seen, ended } = main({
      start: `${KEEP_ALIVE} ${cause} return { url: '', close: async () => {} };`,
    });
    await ended();
    expect(seen.code).toBe(1);
    expect(seen.out).toMatch(/lost.*ended by an uncaught error/s);
  });
});
