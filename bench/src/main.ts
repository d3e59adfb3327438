/** `npm run bench`: measures the figures asked for, one after the other, and keeps what came out. */
import { rmSync } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { helpText, parseArguments } from './arguments.ts';
import { startServer } from './database.ts';
import type { Figure } from './figure.ts';
import { h1Hits } from './h1-hits.ts';
import { h2Saved } from './h2-saved.ts';
import { h3Import } from './h3-import.ts';
import { describeMachine } from './machine.ts';
import { p1Follower } from './p1-follower.ts';
import { p2Rebuild } from './p2-rebuild.ts';
import { p3Change } from './p3-change.ts';
import { p4Post } from './p4-post.ts';
import { p5Visible } from './p5-visible.ts';
import { p6Catalog } from './p6-catalog.ts';
import { p9Top } from './p9-top.ts';
import { p11Footprint } from './p11-footprint.ts';
import { WrongAnswer } from './protocol.ts';
import { saveResult } from './results.ts';
import { tableOf } from './table.ts';

const FIGURES: Readonly<Record<string, Figure>> = {
  P1: p1Follower,
  P2: p2Rebuild,
  P3: p3Change,
  P4: p4Post,
  P5: p5Visible,
  P6: p6Catalog,
  P9: p9Top,
  P11: p11Footprint,
  H1: h1Hits,
  H2: h2Saved,
  H3: h3Import,
};
const RESULTS = new URL('../results.json', import.meta.url);

const tell = (line: string) => process.stdout.write(`${line}\n`);

try {
  const told = parseArguments(process.argv.slice(2), Object.keys(FIGURES));
  if (told.help) process.stdout.write(helpText(Object.keys(FIGURES)));
  else await measure(told);
} catch (error) {
  process.stderr.write(`${(error as Error).stack}\n`);
  process.exitCode = 1;
}

async function measure({
  figures,
  pairs,
  quick,
  data,
}: Exclude<ReturnType<typeof parseArguments>, { help: true }>) {
  const folder = await mkdtemp(join(data ? resolve(data) : tmpdir(), 'micromart-bench-'));
  // Root hands PostgreSQL to another user, who has to get in.
  await chmod(folder, 0o711);
  const server = await startServer(join(folder, 'postgres')).catch(async (error) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const endAtOnce = () => {
    process.kill(server.pid, 'SIGQUIT');
    rmSync(folder, { recursive: true, force: true });
    process.exit(1);
  };
  process.once('SIGINT', endAtOnce).once('SIGTERM', endAtOnce);
  try {
    for (const name of figures) {
      const machine = describeMachine(server.version);
      tell(
        `${name}  ${machine.cores} cores, ${machine.memoryGb} GB, Node ${machine.node}, PostgreSQL ${machine.postgres}, load ${machine.load}`,
      );
      const rows = await FIGURES[name]!({ server, rounds: pairs, quick, tell }).catch((error) => {
        // The others are measured all the same.
        process.exitCode = 1;
        tell(error instanceof WrongAnswer ? `  void: ${error.message}` : `  failed: ${error.stack}`);
        return [];
      });
      if (rows.length === 0) continue;
      const result = { date: new Date().toISOString().slice(0, 10), machine, pairs, rows };
      if (!quick) await saveResult(RESULTS, name, result);
      tell(`\n${tableOf({ [name]: result })}\n`);
    }
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
  if (!quick) await import('./report.ts');
}
