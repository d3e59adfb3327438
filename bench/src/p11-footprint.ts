/**
 * P11: what the system takes. Resident memory of each service as `npm start` runs it, idle and after a million events,
 * and the time from `npm start` to every service's readiness: at the first start (which makes the databases) and at a
 * later one.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Figure, Row } from './figure.ts';
import { putThrough } from './million-events.ts';
import { descendantsOf, residentMb } from './proc.ts';
import { format, spreadOf } from './protocol.ts';
import { type StartedSystem, startSystem } from './started-system.ts';

const EVENTS = 1_000_000;
const QUICK_EVENTS = 50_000;
const STARTS = 3;
/** Until what the start made has been collected. */
const IDLE_MS = 10_000;
const SERVICE = /([a-z-]+)\/src\/main\.ts$/;
const IDLE_BAR = { atMost: 115, moonshot: 90 };
const LOADED_BAR = { atMost: 160, moonshot: 90 };
const START_BAR = { atMost: 6, moonshot: 3 };

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
  try {
    const firstS: number[] = [];
    const laterS: number[] = [];
    for (let n = 0; n < STARTS; n += 1) {
      await rm(dataDir, { recursive: true, force: true });
      for (const times of [firstS, laterS]) {
        const system = await startSystem(dataDir);
        times.push(system.startedS);
        await system.stop();
      }
      tell(`  start ${n + 1}: first ${format(firstS.at(-1)!)} s, later ${format(laterS.at(-1)!)} s`);
    }
    const system = await startSystem(dataDir);
    try {
      await sleep(IDLE_MS);
      const idle = await memoryOf(system);
      await putThrough(system, quick ? QUICK_EVENTS : EVENTS);
      await sleep(IDLE_MS);
      const loaded = await memoryOf(system);
      for (const [name, mb] of loaded)
        tell(`  ${name}: idle ${format(idle.get(name)!)} MB, then ${format(mb)} MB`);
      const events = (quick ? QUICK_EVENTS : EVENTS).toLocaleString('en');
      return [
        plain('npm start to all services ready, the first time', 's', firstS, START_BAR),
        plain('npm start to all services ready, later', 's', laterS, START_BAR),
        ...[...idle].map(([name, mb]) => plain(`resident memory of ${name}, idle`, 'MB', [mb], IDLE_BAR)),
        ...[...loaded].map(([name, mb]) =>
          plain(`resident memory of ${name}, after ${events} events`, 'MB', [mb], LOADED_BAR),
        ),
      ];
    } finally {
      await system.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
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

/** By service, in megabytes. */
async function memoryOf({ pid }: StartedSystem): Promise<Map<string, number>> {
  const memory = new Map<string, number>();
  for (const one of await descendantsOf(pid)) {
    const name = SERVICE.exec(one.command)?.[1];
    if (name && name !== 'launcher') memory.set(name, await residentMb(one.pid));
  }
  return memory;
}
