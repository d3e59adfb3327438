/**
 * The MongoDB-compatible server of a data folder, for trying the catalog on MongoDB without installing one. It is restarted
 * if it ends by itself.
 */
import { join } from 'node:path';
import { type Ferretdb, startFerretdb } from '@micromart/engines/ferretdb/server';
import { requireFreePorts } from './free-ports.ts';
import { createKeeper } from './keeper.ts';
import { LOCAL_HOST } from './system.ts';

/** The server's own log lines; among the services' lines only its errors are worth printing. */
const NOT_WORTH_PRINTING = /^time=\S+ level=(DEBUG|INFO|WARN) /;

export type LocalMongodb = { readonly url: string; stop(): Promise<void> };

/** Starts it on this port and resolves once it serves requests. */
export async function startLocalMongodb({
  dataDir,
  port,
  print,
}: {
  dataDir: string;
  port: number;
  print: (line: string) => void;
}): Promise<LocalMongodb> {
  await requireFreePorts(LOCAL_HOST, [{ name: 'the MongoDB-compatible server', port }]);
  let server: Ferretdb | undefined;
  const onExit = (lastWords: string) => {
    server = undefined;
    keeper.ended(`ended by itself: ${lastWords}`);
  };
  const log = (line: string) => {
    if (!NOT_WORTH_PRINTING.test(line)) print(line);
  };
  const launch = async () => {
    server = await startFerretdb({ folder: join(dataDir, 'mongodb'), port, onExit, log });
  };
  const keeper = createKeeper(launch, print);
  await launch();
  const { url } = server!;
  return {
    url,
    stop: async () => {
      await keeper.stop();
      await server?.stop();
    },
  };
}
