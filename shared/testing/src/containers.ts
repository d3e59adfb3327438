import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GenericContainer, StartedTestContainer } from 'testcontainers';

const ASK_TIMEOUT_MS = 20_000;
const START_CAP_MS = 120_000;

/**
 * The environment that an image sets for its programs, as JSON; undefined where Docker does not run or has not got the
 * image. A test run pulls none.
 */
export async function environmentOf(image: string): Promise<string | undefined> {
  const words = ['image', 'inspect', '--format', '{{json .Config.Env}}', image];
  const said = await promisify(execFile)('docker', words, { timeout: ASK_TIMEOUT_MS }).catch(() => undefined);
  return said?.stdout;
}

/** What would make the suites run that need an image. */
export const noImage = (image: string): string =>
  `no Docker that has ${image}; start Docker, and docker pull ${image}`;

/** Starts a container; whoever starts it stops it. */
export async function startContainer(
  image: string,
  prepare: (container: GenericContainer) => GenericContainer,
): Promise<StartedTestContainer> {
  // What removes the containers of killed runs is one more container, whose image may not be here.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const { GenericContainer } = await import('testcontainers');
  return prepare(new GenericContainer(image)).withStartupTimeout(START_CAP_MS).start();
}

/** Ends a container's process at once, as a machine that fails would; `restart` brings it back with its data. */
export async function killContainer(container: StartedTestContainer): Promise<void> {
  await promisify(execFile)('docker', ['kill', '--signal', 'KILL', container.getId()]);
}
