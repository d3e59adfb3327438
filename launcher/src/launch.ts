/**
 * The launcher as a process. The first Ctrl-C (or SIGTERM, or the terminal's end) ends everything in order; a second one does
 * not wait until the services finish what is in flight.
 */
import './without-libpq-variables.ts';
import { HELP, parseArguments, readSettings } from './arguments.ts';
import { addressOf } from './host.ts';
import { createOutput } from './output.ts';
import { createPlan } from './plan.ts';
import { printingNames, startSystem } from './start.ts';
import type { ProcessRow } from './system.ts';
import { welcome } from './welcome.ts';

/** One Ctrl-C can arrive twice: from the terminal, and again from npm, which forwards it. */
const SAME_PRESS_MS = 500;

/** Runs the table's system from the entry files below `root`, on the given Node; ends this process when it is done. */
export async function launch(table: readonly ProcessRow[], root: string, node: string): Promise<void> {
  await runUntilTold(table, root, node).catch(fail);
}

async function runUntilTold(table: readonly ProcessRow[], root: string, node: string): Promise<void> {
  const { help, fresh, choice } = parseArguments(process.argv.slice(2));
  if (help) {
    process.stdout.write(HELP);
    return;
  }
  const given = readSettings(process.env, root);
  const settings = { ...given, host: await addressOf(given.host) };
  const plan = createPlan(table, settings, process.env, choice);
  const output = createOutput(printingNames(plan), {
    write: (text) => process.stdout.write(text),
    colours: process.stdout.isTTY && !process.env.NO_COLOR,
  });

  let endingSince: number | undefined;
  const starting = startSystem({ plan, settings, fresh, root, node, output });
  const end = async () => {
    const system = await starting;
    if (endingSince !== undefined) return;
    endingSince = performance.now();
    await system.close();
    process.exit(0);
  };
  const onSignal = async () => {
    if (endingSince === undefined) await end();
    else if (performance.now() - endingSince > SAME_PRESS_MS) (await starting).kill();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => void onSignal().catch(fail));
  }
  // The terminal, or the program that reads the output, is gone.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => void end().catch(fail));

  const system = await starting;
  try {
    await system.settled;
  } catch (error) {
    if (endingSince !== undefined) return;
    endingSince = performance.now();
    await system.close();
    throw error;
  }
  if (endingSince === undefined) {
    const { DATA_DIR } = process.env;
    output.text(welcome(plan, DATA_DIR ? { DATA_DIR } : {}));
  }
}

function fail(error: Error): void {
  process.stderr.write(`${process.env.LOG_LEVEL === 'debug' ? error.stack : error.message}\n`);
  process.exit(1);
}
