/** `npm run doors`: sends each service the requests of its OpenAPI document, in every role. Exits with 1 if an answer is wrong. */

import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roles } from '@micromart/http/authentication/authentication';
import { type Launched, openLaunched } from '../testing/launched.ts';
import { type Arguments, PORT_OFFSETS, readArguments, USAGE } from './arguments.ts';
import { installSchemathesis, runSchemathesis } from './schemathesis.ts';
import { type Row, tableOf } from './table.ts';

const MAX_NEW_SEED = 1_000_000;
/** The most runs of the tool at a time. */
const MAX_RUNNING = 2;
const NOBODY = 'none';

const print = (text: string) => process.stdout.write(text);

type Visit = { readonly service: Arguments['services'][number]; readonly role: string };

/** Tests each service in each role; resolves with the rows in that order. */
async function visitAll(
  { examples, seed, services }: Arguments,
  {
    system,
    program,
    folder,
    ending,
  }: { system: Launched; program: string; folder: string; ending: AbortController },
): Promise<Row[]> {
  const visits = services.flatMap((service) => [...roles, NOBODY].map((role): Visit => ({ service, role })));
  const rows: Row[] = [];
  let next = 0;
  const visitInTurn = async () => {
    while (next < visits.length) {
      const index = next;
      next += 1;
      const { service, role } = visits[index]!;
      const { requests, failures, text } = await runSchemathesis({
        program,
        url: `http://127.0.0.1:${system.portBase + PORT_OFFSETS[service]}`,
        token: role === NOBODY ? undefined : await system.token(role),
        examples,
        seed,
        reportFile: join(folder, `${index}.json`),
        signal: ending.signal,
      });
      print(`${service}, ${role}: ${requests} requests, ${failures} failures\n${text}`);
      rows[index] = { service, role, requests, failures };
    }
  };
  try {
    await Promise.all(Array.from({ length: MAX_RUNNING }, visitInTurn));
  } catch (error) {
    // The other runs are of no use now.
    ending.abort();
    throw error;
  }
  return rows;
}

async function run(ending: AbortController): Promise<boolean> {
  const args = readArguments(process.argv.slice(2), randomInt(MAX_NEW_SEED));
  if (!args) {
    print(USAGE);
    return true;
  }
  print(`seed ${args.seed}\n`);
  const program = await installSchemathesis(ending.signal);
  const folder = await mkdtemp(join(tmpdir(), 'micromart-doors-'));
  const system = await openLaunched();
  try {
    await system.start();
    ending.signal.throwIfAborted();
    const rows = await visitAll(args, { system, program, folder, ending });
    print(`\n${tableOf(rows)}`);
    return rows.every(({ failures }) => failures === 0);
  } finally {
    await system.close();
    await rm(folder, { recursive: true, force: true });
  }
}

const ending = new AbortController();
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => ending.abort());
try {
  process.exitCode = (await run(ending)) ? 0 : 1;
} catch (error) {
  process.stderr.write(`doors: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
