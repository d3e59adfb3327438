/**
 * P11: what the system takes. Resident memory of the largest process that `npm start` starts: idle after the first start,
 * which imports the demo's catalog and compiles every file, and after a later one; and of the two that a million events go
 * through. And the time from `npm start` to every process's readiness: at the first start, which makes the databases, and
 * at a later one.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SYSTEM } from '@micromart/launcher/system';
import { awaitProducts } from './demo-products.ts';
import type { Figure, Row } from './figure.ts';
import { putThrough } from './million-events.ts';
import { descendantsOf, residentMb } from './proc.ts';
import { format, quantile, spreadOf } from './protocol.ts';
import { type StartedSystem, startSystem } from './started-system.ts';

const EVENTS = 1_000_000;
const QUICK_EVENTS = 50_000;
const STARTS = 3;
/** Until what the start made has been collected. */
const IDLE_MS = 10_000;
/** Which the events go through. */
const LOADED = ['cart-service', 'shopper-tracking-service'];
const IDLE_BAR = { atMost: 115, moonshot: 90 };
const LOADED_BAR = { atMost: 160, moonshot: 90 };
const START_BAR = { atMost: 6, moonshot: 3 };

/** In megabytes, by the process's name. */
type Memory = ReadonlyMap<string, number>;

type Starts = { readonly seconds: number[]; readonly memory: Memory[] };

export const p11Footprint: Figure = async ({ quick, tell }) => {
  if (process.platform !== 'linux')
    return [
      {
        figure: 'P11',
        what: 'memory and start',
        against: '–',
        unit: 'MB',
        note: 'not measured: needs /proc',
      },
    ];
  const folder = await mkdtemp(join(tmpdir(), 'bench-start-'));
  // Root hands PostgreSQL to another user, who has to get in.
  await chmod(folder, 0o711);
  const dataDir = join(folder, 'data');
  const first: Starts = { seconds: [], memory: [] };
  const later: Starts = { seconds: [], memory: [] };
  try {
    for (let n = 0; n < STARTS; n += 1) {
      await rm(dataDir, { recursive: true, force: true });
      for (const starts of [first, later]) {
        const system = await startSystem(dataDir);
        try {
          await awaitProducts(system);
          await sleep(IDLE_MS);
          starts.seconds.push(system.startedS);
          starts.memory.push(await memoryOf(system));
        } finally {
          await system.stop();
        }
      }
      tell(`  start ${n + 1}: first ${told(first)}`);
      tell(`  start ${n + 1}: later ${told(later)}`);
    }
    const events = quick ? QUICK_EVENTS : EVENTS;
    const loaded = await memoryAfter(events, dataDir);
    return [
      plain('npm start to all processes ready, the first time', 's', first.seconds, START_BAR),
      plain('the same later', 's', later.seconds, START_BAR),
      largest(first, 'after the first start and its import'),
      largest(later, 'after a later start'),
      ...LOADED.map((name) => {
        const what = `resident memory of ${name}, after ${events.toLocaleString('en')} events`;
        return plain(what, 'MB', [loaded.get(name)!], LOADED_BAR);
      }),
    ];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};

async function memoryAfter(events: number, dataDir: string): Promise<Memory> {
  const system = await startSystem(dataDir);
  try {
    await putThrough(system, events);
    await sleep(IDLE_MS);
    return await memoryOf(system);
  } finally {
    await system.stop();
  }
}

async function memoryOf({ pid }: StartedSystem): Promise<Memory> {
  const running = await descendantsOf(pid);
  return new Map(
    await Promise.all(
      SYSTEM.map(async ({ name, entry }) => {
        const found = running.find(({ command }) => command.endsWith(entry));
        if (!found) throw new Error(`npm start has no process that runs ${entry}`);
        return [name, await residentMb(found.pid)] as const;
      }),
    ),
  );
}

/** The process that took most, in the middle of the starts. */
function largest({ memory }: Starts, when: string): Row {
  const sizes = SYSTEM.map(({ name }) => ({ name, mb: memory.map((one) => one.get(name)!) }));
  const [most] = sizes.sort((a, b) => quantile(b.mb, 0.5) - quantile(a.mb, 0.5));
  return plain(
    `resident memory of the largest process, ${most!.name}, idle ${when}`,
    'MB',
    most!.mb,
    IDLE_BAR,
  );
}

const told = ({ seconds, memory }: Starts): string => {
  const sizes = [...memory.at(-1)!].map(([name, mb]) => `${name} ${format(mb)} MB`);
  return `${format(seconds.at(-1)!)} s, ${sizes.join(', ')}`;
};

/** A figure that is held against a bar of its own, not against a peer. */
const plain = (
  what: string,
  unit: string,
  measures: readonly number[],
  bar: { atMost: number; moonshot: number },
): Row => ({
  figure: 'P11',
  what,
  against: '–',
  unit,
  bar,
  ours: spreadOf(measures),
});
