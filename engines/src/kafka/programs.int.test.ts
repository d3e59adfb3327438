import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { javaRelease } from './programs.ts';

let home: string;
let lib: string;

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'programs-'));
  await mkdir(join(home, 'bin'));
  lib = join(home, 'cache/kafka');
});

afterEach(() => rm(home, { recursive: true }));

const JAVA_17 = 'echo \'openjdk version "17.0.15" 2025-04-15\' >&2';
/** Writes one jar into the output directory, as Maven would. */
const MAVEN = `for word; do case $word in -DoutputDirectory=*) echo jar > "\${word#*=}/kafka.jar";; esac; done`;

const install = async (name: string, script: string): Promise<void> => {
  await writeFile(join(home, 'bin', name), `#!/bin/sh\n${script}\n`);
  await chmod(join(home, 'bin', name), 0o755);
};

/** Opens the programs in a process that finds only those installed here; resolves with its output. */
const open = async (): Promise<string> => {
  const source = `
    import { openKafkaPrograms } from '${new URL('./programs.ts', import.meta.url)}';
    const say = (line) => process.stdout.write(line + '\\n');
    await openKafkaPrograms(say, ${JSON.stringify(lib)}).then(() => say('there'), (error) => say(error.message));
  `;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', source], {
    env: { PATH: join(home, 'bin') },
  });
  return stdout;
};

test.each([
  ['openjdk version "17.0.15" 2025-04-15', 17],
  ['java version "1.8.0_412"', 8],
  ['openjdk version "25" 2025-09-16', 25],
  ['No Java runtime present', undefined],
])('reads the release of %s', (text, release) => {
  expect(javaRelease(text)).toBe(release);
});

test('says how to install Java when it is missing or too old', async () => {
  expect(await open()).toMatch(/needs Java 17 or newer; install one \(.*"java" is missing/);
  await install('java', 'echo \'java version "1.8.0_412"\' >&2');
  expect(await open()).toMatch(/needs Java 17 or newer.*is Java 8/);
});

test('says how to install Maven when it is needed', async () => {
  await install('java', JAVA_17);
  expect(await open()).toMatch(/fetched by Maven, once.*apt install maven/);
});

test('lets Maven fetch the jars once, and never again', async () => {
  await install('java', JAVA_17);
  await install('mvn', MAVEN);
  expect(await open()).toMatch(/^fetching Apache Kafka .*\nthere\n$/);
  await rm(join(home, 'bin/mvn'));
  expect(await open()).toBe('there\n');
  expect(await readdir(lib)).toEqual(['kafka.jar']);
});

test('leaves nothing half-fetched, and repeats the error of Maven', async () => {
  await install('java', JAVA_17);
  await install('mvn', '[ "$1" = --version ] && exit; echo "[ERROR] no network"; exit 1');
  expect(await open()).toContain('Maven could not fetch Kafka: [ERROR] no network');
  expect(await readdir(join(home, 'cache'))).toEqual([]);
});
