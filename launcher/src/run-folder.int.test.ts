import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { identityOf, isRunning, startInStat } from './process-identity.ts';
import { takeRunFolder } from './run-folder.ts';

let folder: string;
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'run-'));
  children = [];
});

afterEach(async () => {
  for (const child of children) await end(child);
  await rm(folder, { recursive: true });
});

const sleeper = (): ChildProcess => {
  const child = spawn('sleep', ['600']);
  children.push(child);
  return child;
};

const end = async (child: ChildProcess) => {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
};

test('a process is known by its id and the moment of its start', async () => {
  const child = sleeper();
  const mark = identityOf(child.pid!)!;
  expect(isRunning(mark)).toBe(true);
  expect(isRunning({ ...mark, started: '1' })).toBe(false);
  await end(child);
  expect(isRunning(mark)).toBe(false);
});

test('a program may have any name, and a zombie does not run', () => {
  const fields = Array.from({ length: 18 }, (_, index) => index + 4).join(' ');
  expect(startInStat(`7 (a) b) (c) S ${fields} 4711 23 24`)).toBe('4711');
  expect(startInStat(`7 (sleep) Z ${fields} 4711 23 24`)).toBeUndefined();
});

test('one launcher has the folder, and the next gets its pid', async () => {
  const first = await takeRunFolder(folder);
  await expect(takeRunFolder(folder)).rejects.toThrow(`already runs on this DATA_DIR (pid ${process.pid})`);
  await first.release();
  const second = await takeRunFolder(folder);
  await second.release();
  expect(await readdir(folder)).toEqual([]);
});

test('a dead launcher does not block the folder, nor does a torn file', async () => {
  const child = sleeper();
  const mark = identityOf(child.pid!);
  await end(child);
  for (const content of [JSON.stringify(mark), '', '{"pid":', '{"pid":-1,"started":"1"}']) {
    await writeFile(join(folder, 'launcher.pid'), content);
    await (await takeRunFolder(folder)).release();
  }
});

test('one of many that find a dead one gets the folder', async () => {
  await writeFile(join(folder, 'launcher.pid'), JSON.stringify({ pid: process.pid, started: '1' }));
  const module = new URL('./run-folder.ts', import.meta.url).href;
  const script = `
    import { takeRunFolder } from ${JSON.stringify(module)};
    const taken = await takeRunFolder(${JSON.stringify(folder)}).then(() => true, () => false);
    process.stdout.write(String(taken));
    setInterval(() => {}, 1_000);`;
  const outcomes = await Promise.all(
    Array.from({ length: 4 }, async () => {
      const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
      children.push(child);
      return String((await once(child.stdout, 'data'))[0]);
    }),
  );
  expect(outcomes.sort()).toEqual(['false', 'false', 'false', 'true']);
});

test('the processes that a launcher left behind are ended, and no others', async () => {
  const left = sleeper();
  const bystander = sleeper();
  const first = await takeRunFolder(folder);
  first.remember('cart', left.pid!);
  await first.release();
  const recycled = { pid: bystander.pid, started: '1' };
  await writeFile(join(folder, 'tracking.process.pid'), JSON.stringify(recycled));

  const second = await takeRunFolder(folder);
  const lines: string[] = [];
  await second.endLeftOver((line) => lines.push(line));
  expect(lines).toEqual([`ending cart, left over from an earlier start (pid ${left.pid})`]);
  expect(left.signalCode).toBe('SIGTERM');
  expect(bystander.signalCode ?? bystander.exitCode).toBeNull();
  await second.release();
  expect(await readdir(folder)).toEqual([]);
});
