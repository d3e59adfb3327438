/**
 * The shell of every process. It reads the settings, starts the program, and ends it in order on a signal:
 *
 * - wrong settings: one message on standard error, exit 78;
 * - settings that cannot work, such as a server that is too old (Unusable): one line, exit 78;
 * - SIGTERM or SIGINT: `close()` has five seconds, then exit 0; exit 1 if that was not enough, or on a second signal;
 * - an uncaught error: logged, exit 1, because the state of the process is unknown.
 */

import { createLogger, type Logger, type LogLevel } from '@micromart/process/logger';
import { Unusable } from '@micromart/process/unusable';
import { ConfigError } from './config.ts';

export type Running = { readonly url: string; close(): Promise<void> };

const CLOSE_LIMIT_MS = 5_000;

/** EX_CONFIG of sysexits.h: a supervisor need not restart the process, because it would end the same way. */
export const EXIT_MISCONFIGURED = 78;

export async function run<Config extends { readonly LOG_LEVEL: LogLevel }>(
  name: string,
  readConfig: () => Config,
  start: (config: Config, logger: Logger) => Promise<Running>,
): Promise<void> {
  const config = configOrExit(readConfig);
  const logger = createLogger({ name, level: config.LOG_LEVEL });

  const fail = (error: unknown) => {
    logger.fatal({ err: error }, 'ended by an uncaught error');
    process.exit(1);
  };
  process.on('uncaughtException', fail).on('unhandledRejection', fail);

  const starting = start(config, logger);
  let ending = false;
  const end = async (signal: string) => {
    if (ending) process.exit(1);
    ending = true;
    logger.info({ signal }, 'stopping');
    setTimeout(() => {
      logger.error(`not everything closed within ${CLOSE_LIMIT_MS} ms`);
      process.exit(1);
    }, CLOSE_LIMIT_MS).unref();
    const running = await starting;
    await running.close();
    logger.info('stopped');
    process.exit(0);
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal).catch(fail));

  try {
    const { url } = await starting;
    logger.info({ url }, 'listening');
  } catch (error) {
    if (error instanceof Unusable) {
      logger.fatal(error.message);
      process.exit(EXIT_MISCONFIGURED);
    }
    logger.fatal({ err: error }, 'could not start');
    process.exit(1);
  }
}

function configOrExit<Config>(readConfig: () => Config): Config {
  try {
    return readConfig();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(EXIT_MISCONFIGURED);
  }
}
