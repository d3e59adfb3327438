/** Keeps the embedded PostgreSQL running: a server that ends by itself is started again, as a service would be. */
import { type EmbeddedServer, startEmbeddedServer } from '@micromart/shared/postgres/embedded-server';
import { backOffMs } from './back-off.ts';
import { portFailure } from './free-ports.ts';

export type EmbeddedPostgres = {
  /** The superuser's; it holds the password. */
  readonly url: string;
  stop(): Promise<void>;
};

const NAME = 'PostgreSQL';
/** Only what keeps the server from working is worth a line among those of the services. */
const WORTH_TELLING = / PANIC: /;

export async function startEmbeddedPostgres({
  folder,
  port,
  superuserPassword,
  print,
}: {
  folder: string;
  port: number;
  superuserPassword: string;
  print: (line: string) => void;
}): Promise<EmbeddedPostgres> {
  let server: EmbeddedServer | undefined;
  let again: NodeJS.Timeout | undefined;
  let starting: Promise<void> | undefined;
  let stopped = false;
  let waitMs = 0;

  const log = (line: string) => {
    if (WORTH_TELLING.test(line)) print(line);
  };
  const launch = async () => {
    const startedMs = performance.now();
    const onExit = (lastWords: string) =>
      restart(`ended by itself: ${lastWords}`, performance.now() - startedMs);
    server = await startEmbeddedServer({ folder, port, superuserPassword, onExit, log });
  };
  const restart = (why: string, upMs: number) => {
    server = undefined;
    if (stopped) return;
    waitMs = backOffMs(waitMs, upMs);
    print(`${why}; starts again in ${waitMs} ms`);
    again = setTimeout(() => {
      starting = launch().catch((error: Error) => restart(error.message, 0));
    }, waitMs);
  };

  await launch().catch((error) => {
    throw error.code === 'EADDRINUSE' ? portFailure(NAME, port, error.code) : error;
  });
  const { url } = server!;
  return {
    url,
    stop: async () => {
      stopped = true;
      clearTimeout(again);
      await starting;
      await server?.stop();
    },
  };
}
