/** Processes that are told to end, alone or in turn. */
import { isRunning } from '@micromart/launcher/process-identity';
import { until } from '@micromart/testing/until';
import type { Stop } from '../evidence/evidence.ts';
import type { Load } from '../load/load.ts';
import type { Balancer } from '../system/balancer.ts';
import type { Side } from '../system/side.ts';
import type { System } from '../system/system.ts';
import { CART, CATALOG, type Fault, type Struck, TRACKING } from './fault.ts';
import { sideWith, strikeNow } from './moment.ts';

const SERVE_CAP_MS = 30_000;
const STOP_CAP_MS = 30_000;

export function stopProcess(name: string): Fault {
  return {
    says: `SIGTERM of ${name}`,
    figure: 'orderly stops',
    strike: ({ system, load, draw }) => stopOn(sideWith(name, system, draw), name, load),
  };
}

/** Comes back when the process has ended. */
async function stopOn(
  { launcher }: Side,
  name: string,
  load: Load,
): Promise<Struck & { stops: readonly [Stop] }> {
  const mark = await launcher.find(name);
  const before = launcher.ends.length;
  const { atMs, inFlight } = await strikeNow(load, () =>
    name === 'launcher' ? launcher.signal('SIGTERM') : process.kill(mark.pid, 'SIGTERM'),
  );
  await until(() => !isRunning(mark), { capMs: STOP_CAP_MS });
  const goneAtMs = Date.now();
  const { how } = await until(() => launcher.ends.slice(before).find((end) => end.name === name));
  return { atMs, inFlight, stops: [{ name, toldAtMs: atMs, goneAtMs, how }] };
}

/** As an orchestrator does for a new version: each one only while all others serve. */
export function roll(name: string): Fault {
  return {
    says: `SIGTERM of each ${name} in turn, while the others serve`,
    figure: 'rolls',
    sparesAll: true,
    async strike({ system, load }) {
      const struck: Awaited<ReturnType<typeof stopOn>>[] = [];
      const sides = system.sides.filter((side) => takesPart(side, name, system));
      const allServe = () =>
        until(() => sides.every((side) => serves(side, name, system)), { capMs: SERVE_CAP_MS });
      // A fault before may have ended one that is still starting.
      await allServe();
      for (const side of sides) {
        struck.push(await stopOn(side, name, load));
        await side.launcher.find(name);
        await allServe();
      }
      const [first] = struck;
      if (!first) throw new Error(`there is no ${name} whose work another could take over`);
      return { ...first, stops: struck.flatMap(({ stops }) => stops) };
    },
  };
}

/** The balancer of these processes, and the address at which it knows the side's; undefined where there is none. */
function balanced(side: Side, name: string, { balancers }: System): [Balancer, string] | undefined {
  if (!balancers) return undefined;
  const kinds: Readonly<Record<string, [Balancer, string]>> = {
    [CART]: [balancers.carts, side.cartUrl],
    [TRACKING]: [balancers.trackings, side.trackingUrl],
    [CATALOG]: [balancers.catalogs, side.catalogUrl],
  };
  return kinds[name];
}

/** Whether the side's process shares its work with others of its kind. */
function takesPart(side: Side, name: string, system: System): boolean {
  const [balancer, url] = balanced(side, name, system) ?? [];
  return side.has(name) && (balancer?.knows(url!) ?? true);
}

/** Whether it does so now, as the balancer sees it where there is one. */
function serves(side: Side, name: string, system: System): boolean {
  const [balancer, url] = balanced(side, name, system) ?? [];
  return balancer?.serves(url!) ?? true;
}
