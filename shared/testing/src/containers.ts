import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { GenericContainer, StartedTestContainer } from 'testcontainers';

const ASK_TIMEOUT_MS = 20_000;
const START_CAP_MS = 120_000;

/**
 * The environment variables that an image sets for its programs; undefined if Docker does not run or lacks the image. A
 * test run never pulls an image.
 */
export async function environmentOf(image: string): Promise<string | undefined> {
  const words = ['image', 'inspect', '--format', '{{json .Config.Env}}', image];
  const said = await promisify(execFile)('docker', words, { timeout: ASK_TIMEOUT_MS }).catch(() => undefined);
  return said?.stdout;
}

/** Says how to make suites run that need this image. */
export const noImage = (image: string): string =>
  `no Docker that has ${image}; start Docker, and docker pull ${image}`;

/** Starts a container. The caller stops it. */
export async function startContainer(
  image: string,
  prepare: (container: GenericContainer) => GenericContainer,
): Promise<StartedTestContainer> {
  // Ryuk would remove the containers of killed runs, but it is a container itself, and its image may be absent.
  process.env.TESTCONTAINERS_RYUK_DISABLED ??= 'true';
  const { GenericContainer } = await import('testcontainers');
  return prepare(new GenericContainer(image)).withStartupTimeout(START_CAP_MS).start();
}

/** Kills a container's process at once, like a failing machine; `restart` brings it back with its data. */
export async function killContainer(container: StartedTestContainer): Promise<void> {
  await promisify(execFile)('docker', ['kill', '--signal', 'KILL', container.getId()]);
}
