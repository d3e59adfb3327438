/** The faults, each made from outside of the processes: signals, and a proxy on every way between two parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import type { KafkaNode } from '@micromart/engines/kafka/cluster';
import { isRunning } from '@micromart/launcher/process-identity';
import type { TcpProxy } from '@micromart/testing/tcp-proxy';
import { until } from '@micromart/testing/until';
import type { Stop } from './evidence/evidence.ts';
import type { Load } from './load/load.ts';
import type { Ordering } from './load/ordering.ts';
import type { Balancer } from './system/balancer.ts';
import type { Brokers } from './system/brokers.ts';
import { leaderOf } from './system/leader.ts';
import type { Link, Side } from './system/side.ts';
import type { System } from './system/system.ts';

export type Scene = {
  readonly system: System;
  readonly load: Load;
  readonly ordering: Ordering;
  readonly draw: Draw;
};

/** What became of a fault: when it struck (wall clock), how many writes were in flight then, and who ended by it. */
export type Struck = {
  readonly atMs: number;
  readonly inFlight: number;
  readonly stops?: readonly Stop[];
  /** Brings back what nobody else does, once the system goes on without it. */
  readonly repair?: () => Promise<void>;
};

export type Fault = {
  readonly says: string;
  /** The figure in which it counts. */
  readonly figure: string;
  /** Whose recovery from it is measured, and what it asks of the moment: enough writes in flight. */
  readonly kills?: 'service' | 'PostgreSQL' | 'launcher' | 'broker' | 'all of Kafka' | 'catalog';
  /** By what the recovery is known; that writes are counted unless given. */
  readonly recovery?: 'counts everywhere' | 'carries out orders';
  /** No write of a shopper may suffer from it. */
  readonly sparesWrites?: boolean;
  /** No request of anybody may. */
  readonly sparesAll?: boolean;
  /** Whether a look at a cart may fail by it, for it ends or freezes a cart-service. */
  readonly cutsCarts?: boolean;
  strike(scene: Scene): Promise<Struck>;
};

const CART = 'cart-service';
const TRACKING = 'shopper-tracking-service';
const CATALOG = 'catalog-service';
const WORKER = 'catalog-worker';
const LEAST_FREEZE_MS = 200;
const MOST_FREEZE_MS = 1_500;
const LEAST_CUT_MS = 10;
const MOST_CUT_MS = 60;
/** Beyond the silence after which a lock's holder counts as gone, and below what ends its pooled connections. */
const PAST_THE_LOCK_MS = 4_500;
/** Beyond the heartbeat by which a worker's jobs are taken over. */
const PAST_THE_HEARTBEAT_MS = 17_000;
/** Beyond the lifetime of the catalog's answers in a run that is about it. */
const PAST_MAX_AGE_MS = 4_000;
const STREAM_MOVES = 20;
const STREAM_MOVE_INTERVAL_MS = 50;
const TAKE_OVER_CAP_MS = 30_000;
const STOP_CAP_MS = 30_000;

export const FAULTS = {
  'kill cart': { ...killService(CART), cutsCarts: true },
  'kill tracking': killService(TRACKING),
  'kill postgres': {
    says: 'SIGKILL of PostgreSQL, all of its processes: one that was left would finish its commit',
    figure: 'kills of PostgreSQL',
    kills: 'PostgreSQL',
    async strike({ system, load }) {
      const pids = await until(async () => {
        const pids = await system.database.pids();
        return pids.length > 0 && pids;
      });
      return strikeNow(load, () => pids.forEach(killIfThere));
    },
  },
  'kill launcher': {
    says: 'SIGKILL of the launcher; the next one ends what it left behind and starts anew',
    figure: 'kills of the launcher',
    kills: 'launcher',
    async strike({ system, load, draw }) {
      const side = sideOf(system, draw);
      const { launcher } = side;
      await launcher.find('launcher');
      const names = [CART, TRACKING].filter(side.has);
      const left = await Promise.all(names.map(launcher.find));
      const struck = await strikeNow(load, () => launcher.signal('SIGKILL'));
      // What it left behind goes on for a moment: it is back when those are others.
      await until(() => left.every((mark) => !isRunning(mark)), { capMs: TAKE_OVER_CAP_MS });
      await load.counted(Date.now());
      return struck;
    },
  },
  'freeze cart': { ...freezeProcess(CART), cutsCarts: true },
  'freeze tracking': freezeProcess(TRACKING),
  'freeze launcher': freezeProcess('launcher'),
  'freeze postgres': {
    says: 'SIGSTOP of all of PostgreSQL, and SIGCONT',
    figure: 'freezes',
    async strike({ system, load, draw }) {
      const pids = await system.database.pids();
      return freeze(load, pids, between(draw, LEAST_FREEZE_MS, MOST_FREEZE_MS));
    },
  },
  'freeze leader': {
    says: 'SIGSTOP of the tracking that applies, until the other one does, and SIGCONT',
    figure: 'followers frozen past their lock',
    async strike({ system, load }) {
      const leader = await until(() => leaderOf(system));
      const { pid } = await leader.launcher.find(TRACKING);
      await load.crowded();
      // It then wakes up with its batch done and the next one at hand, which is another's by now.
      await until(() => system.database.isCommitting('tracking'));
      const struck = await strikeNow(load, () => process.kill(pid, 'SIGSTOP'));
      try {
        await until(async () => ![undefined, leader].includes(await leaderOf(system)), {
          capMs: TAKE_OVER_CAP_MS,
        });
        // The successor has moved the positions by then.
        await load.counted(struck.atMs, system.sides.indexOf(leader));
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      return struck;
    },
  },
  'cut shop': cutReplies('shop'),
  'cut cart store': cutReplies('cartStore'),
  'cut tracking store': {
    ...cutReplies('trackingStore'),
    async strike({ system, load, draw }) {
      const link = sideOf(system, draw).links.trackingStore;
      await load.crowded();
      // Where a commit takes long, few cuts at random would last until its reply comes.
      await until(() => system.database.isCommitting('tracking'));
      return cutLink(load, link, draw, () =>
        until(async () => !(await system.database.isCommitting('tracking'))),
      );
    },
  },
  'cut feed': cutReplies('feed'),
  'delay cart store': delayLink('cartStore'),
  'delay tracking store': delayLink('trackingStore'),
  'delay feed': delayLink('feed'),
  'hang tracking store': {
    says: 'nothing passes between tracking and its database until its lock is gone',
    figure: 'delays',
    async strike({ system, load, draw }) {
      const { links } = sideOf(system, draw);
      return pauseLink(load, links.trackingStore, PAST_THE_LOCK_MS);
    },
  },
  'half-open cart store': halfOpen('cartStore'),
  'half-open tracking store': halfOpen('trackingStore'),
  'half-open feed': halfOpen('feed'),
  'kill catalog': ofTheCatalog(killService(CATALOG)),
  'kill worker': ofTheCatalog(killService(WORKER)),
  'freeze catalog': ofTheCatalog(freezeProcess(CATALOG)),
  'freeze catalog for long': ofTheCatalog(freezeProcess(CATALOG, PAST_MAX_AGE_MS)),
  'freeze worker': ofTheCatalog(freezeProcess(WORKER)),
  'freeze worker for long': ofTheCatalog(freezeProcess(WORKER, PAST_THE_HEARTBEAT_MS)),
  'cut catalog store': ofTheCatalog(cutReplies('catalogStore')),
  'cut queue': ofTheCatalog(cutReplies('queue')),
  'cut supplier': ofTheCatalog(cutReplies('supplier')),
  'delay supplier': ofTheCatalog(delayLink('supplier')),
  'kill broker': {
    says: 'SIGKILL of a broker, which leads its share of the partitions, and is started anew',
    figure: 'kills of brokers',
    kills: 'broker',
    recovery: 'counts everywhere',
    sparesWrites: true,
    async strike({ system, load, draw }) {
      const node = nodeOf(system, draw);
      const struck = await strikeNow(load, () => process.kill(node.pid!, 'SIGKILL'));
      return { ...struck, repair: () => node.restart() };
    },
  },
  'wipe brokers': {
    says: "SIGKILL of all brokers, all of Kafka's data deleted, and the brokers started anew",
    figure: 'wipes of Kafka',
    kills: 'all of Kafka',
    recovery: 'counts everywhere',
    sparesWrites: true,
    async strike({ system, load }) {
      const { nodes } = brokersOf(system);
      const struck = await strikeNow(load, () => {});
      await Promise.all(nodes.map((node) => node.wipe()));
      await Promise.all(nodes.map((node) => node.restart()));
      return struck;
    },
  },
  'freeze broker': ofABroker({
    says: 'SIGSTOP of a broker, and SIGCONT',
    figure: 'freezes',
    strike: ({ system, load, draw }) =>
      freeze(load, [nodeOf(system, draw).pid!], between(draw, LEAST_FREEZE_MS, PAST_THE_LOCK_MS)),
  }),
  'cut broker': ofABroker({
    says: 'replies of a broker are cut, and what they answer has happened',
    figure: 'cuts of replies',
    strike: ({ system, load, draw }) => cutLink(load, linkOfBroker(system, draw), draw),
  }),
  'delay broker': ofABroker({
    says: 'nothing passes between a broker and its clients for a while',
    figure: 'delays',
    strike: ({ system, load, draw }) =>
      pauseLink(load, linkOfBroker(system, draw), between(draw, LEAST_FREEZE_MS, PAST_THE_LOCK_MS)),
  }),
  'half-open broker': ofABroker({
    says: 'the connections of clients to a broker fall silent, and neither side is told',
    figure: 'half-open connections',
    strike: ({ system, load, draw }) => strikeNow(load, () => linkOfBroker(system, draw).abandon()),
  }),
  'freeze cart for long': { ...freezeProcess(CART, PAST_THE_LOCK_MS), cutsCarts: true },
  'freeze tracking for long': freezeProcess(TRACKING, PAST_THE_LOCK_MS),
  'move streams': {
    says: 'the balancer ends the streams of heads in order, several times, and each goes on from any of the carts',
    figure: 'moves of streams',
    sparesAll: true,
    async strike({ system, load }) {
      if (!system.balancers) throw new Error('there is no balancer, and nowhere else to go');
      const { carts } = system.balancers;
      const struck = await strikeNow(load, () => carts.endStreams());
      for (let n = 0; n < STREAM_MOVES; n += 1) {
        await sleep(STREAM_MOVE_INTERVAL_MS);
        carts.endStreams();
      }
      return struck;
    },
  },
  'roll cart': roll(CART),
  'roll tracking': roll(TRACKING),
  'roll catalog': roll(CATALOG),
  'roll worker': roll(WORKER),
  'stop cart': stopProcess(CART),
  'stop tracking': stopProcess(TRACKING),
  'stop launcher': stopProcess('launcher'),
} as const satisfies Readonly<Record<string, Fault>>;

export type FaultName = keyof typeof FAULTS;

const sideOf = ({ sides }: System, draw: Draw): Side => sides[draw(sides.length)]!;
/** A side that has the process itself. */
function sideWith(name: string, { sides }: System, draw: Draw): Side {
  const having = sides.filter((side) => name === 'launcher' || side.has(name));
  return having[draw(having.length)]!;
}
function brokersOf({ brokers }: System): Brokers {
  if (!brokers) throw new Error('there are no brokers: this fault is for a run over Kafka');
  return brokers;
}
const nodeOf = (system: System, draw: Draw): KafkaNode => {
  const { nodes } = brokersOf(system);
  return nodes[draw(nodes.length)]!;
};
const linkOfBroker = (system: System, draw: Draw): TcpProxy => {
  const { links } = brokersOf(system);
  return links[draw(links.length)]!;
};
const between = (draw: Draw, least: number, most: number): number => least + draw(most - least);

/** Strikes at a moment when enough writes are in flight. */
async function strikeNow(load: Load, strike: () => void): Promise<Struck> {
  const inFlight = await load.crowded();
  strike();
  return { atMs: Date.now(), inFlight };
}

/** It may have ended since it was listed. */
function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function killService(name: string): Fault {
  return {
    says: `SIGKILL of ${name}`,
    figure: 'kills of services',
    kills: 'service',
    async strike({ system, load, draw }) {
      const { pid } = await sideWith(name, system, draw).launcher.find(name);
      return strikeNow(load, () => process.kill(pid, 'SIGKILL'));
    },
  };
}

/** `ms` instead of a short time. */
function freezeProcess(name: string, ms?: number): Fault {
  return {
    says: `SIGSTOP of ${name}, and SIGCONT`,
    figure: 'freezes',
    async strike({ system, load, draw }) {
      const { pid } = await sideWith(name, system, draw).launcher.find(name);
      return freeze(load, [pid], ms ?? between(draw, LEAST_FREEZE_MS, MOST_FREEZE_MS));
    },
  };
}

/** A fault that shoppers must not notice, and whose recovery shows in the orders. */
function ofTheCatalog({ kills, ...fault }: Fault): Fault {
  return {
    ...fault,
    ...(kills && { kills: 'catalog' }),
    recovery: 'carries out orders',
    sparesWrites: true,
  };
}

function ofABroker(fault: Fault): Fault {
  return { ...fault, recovery: 'counts everywhere', sparesWrites: true };
}

async function freeze(load: Load, pids: readonly number[], ms: number): Promise<Struck> {
  const struck = await strikeNow(load, () => signalAll(pids, 'SIGSTOP'));
  await sleep(ms);
  signalAll(pids, 'SIGCONT');
  return struck;
}

/** Some of PostgreSQL's processes may have ended by themselves. */
function signalAll(pids: readonly number[], signal: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }
}

function cutReplies(link: Link): Fault {
  return {
    says: `replies are cut, and what they answer has happened (${link})`,
    figure: 'cuts of replies',
    async strike({ system, load, draw }) {
      return cutLink(load, sideOf(system, draw).links[link], draw);
    },
  };
}

/** Cuts replies for a short time, or for as long beyond the end of something. */
async function cutLink(
  load: Load,
  link: TcpProxy,
  draw: Draw,
  ended: () => Promise<unknown> = async () => {},
): Promise<Struck> {
  const struck = await strikeNow(load, () => link.cutReplies());
  await ended();
  await sleep(between(draw, LEAST_CUT_MS, MOST_CUT_MS));
  link.restore();
  return struck;
}

function delayLink(link: Link): Fault {
  return {
    says: `nothing passes for a while (${link})`,
    figure: 'delays',
    async strike({ system, load, draw }) {
      return pauseLink(
        load,
        sideOf(system, draw).links[link],
        between(draw, LEAST_FREEZE_MS, MOST_FREEZE_MS),
      );
    },
  };
}

async function pauseLink(load: Load, link: TcpProxy, ms: number): Promise<Struck> {
  const struck = await strikeNow(load, () => link.pause());
  await sleep(ms);
  link.resume();
  return struck;
}

function halfOpen(link: Link): Fault {
  return {
    says: `the connections there are fall silent, and neither side is told (${link})`,
    figure: 'half-open connections',
    strike: ({ system, load, draw }) => {
      const proxy = sideOf(system, draw).links[link];
      return strikeNow(load, () => proxy.abandon());
    },
  };
}

function stopProcess(name: string): Fault {
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
function roll(name: string): Fault {
  return {
    says: `SIGTERM of each ${name} in turn, while the others serve`,
    figure: 'rolls',
    sparesAll: true,
    async strike({ system, load }) {
      const struck: Awaited<ReturnType<typeof stopOn>>[] = [];
      const sides = system.sides.filter((side) => takesPart(side, name, system));
      const allServe = () =>
        until(() => sides.every((side) => serves(side, name, system)), { capMs: TAKE_OVER_CAP_MS });
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
