/** Keeps the embedded PostgreSQL running: if the server ends by itself, it is restarted, as a service would be. */
import { type EmbeddedServer, startEmbeddedServer } from '@micromart/engines/postgres/server';
import { portFailure } from './free-ports.ts';
import { createKeeper } from './keeper.ts';
import { LOCAL_HOST } from './system.ts';

export type EmbeddedPostgres = {
  /** The superuser's URL, which contains the password. */
  readonly url: string;
  stop(): Promise<void>;
};

const NAME = 'PostgreSQL';
/** Among the services' lines, print only what stops the server from working. */
const WORTH_PRINTING = / PANIC: /;

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
  const log = (line: string) => {
    if (WORTH_PRINTING.test(line)) print(line);
  };
  const onExit = (lastWords: string) => {
    server = undefined;
    keeper.ended(`ended by itself: ${lastWords}`);
  };
  const launch = async () => {
    server = await startEmbeddedServer({ folder, port, superuserPassword, onExit, log });
  };
  const keeper = createKeeper(launch, print);

  await launch().catch(async (error) => {
    const { code } = error;
    throw code === 'EADDRINUSE' ? await portFailure({ name: NAME, host: LOCAL_HOST, port, code }) : error;
  });
  const { url } = server!;
  return {
    url,
    stop: async () => {
      await keeper.stop();
      await server?.stop();
    },
  };
}
