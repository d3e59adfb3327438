/** Keeps the embedded PostgreSQL running: a server that ends by itself is started again, as a service would be. */
import { type EmbeddedServer, startEmbeddedServer } from '@micromart/engines/postgres/server';
import { portFailure } from './free-ports.ts';
import { createKeeper } from './keeper.ts';
import { LOCAL_HOST } from './system.ts';

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
  const log = (line: string) => {
    if (WORTH_TELLING.test(line)) print(line);
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
