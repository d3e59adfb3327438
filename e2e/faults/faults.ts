/** The faults, each made from outside of the processes: signals, and a proxy on every way between two parts. */
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning } from '@micromart/launcher/process-identity';
import { until } from '@micromart/testing/until';
import { brokersOf, linkOfBroker, nodeOf, ofABroker } from './faults/brokers.ts';
import { CART, CATALOG, type Fault, TRACKING, WORKER } from './faults/fault.ts';
import { cutLink, cutReplies, delayLink, halfOpen, pauseLink } from './faults/links.ts';
import { between, LEAST_HOLD_MS, shortly, sideOf, strikeNow } from './faults/moment.ts';
import { freeze, freezeProcess, killIfThere, killService } from './faults/processes.ts';
import { roll, stopProcess } from './faults/stops.ts';
import { leaderOf } from './system/leader.ts';

/** Beyond the silence after which a lock's holder counts as gone, and below what ends its pooled connections. */
const PAST_THE_LOCK_MS = 4_500;
/** Beyond the heartbeat by which a worker's jobs are taken over. */
const PAST_THE_HEARTBEAT_MS = 17_000;
/** Beyond the lifetime of the catalog's answers in a run that is about it. */
const PAST_MAX_AGE_MS = 4_000;
const STREAM_MOVES = 20;
const STREAM_MOVE_INTERVAL_MS = 50;
const TAKE_OVER_CAP_MS = 30_000;

/** A fault that shoppers must not notice, and whose recovery shows in the orders. */
function ofTheCatalog({ kills, ...fault }: Fault): Fault {
  return {
    ...fault,
    ...(kills && { kills: 'catalog' }),
    recovery: 'carries out orders',
    sparesWrites: true,
  };
}

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
      return freeze(load, pids, shortly(draw));
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
      freeze(load, [nodeOf(system, draw).pid!], between(draw, LEAST_HOLD_MS, PAST_THE_LOCK_MS)),
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
      pauseLink(load, linkOfBroker(system, draw), between(draw, LEAST_HOLD_MS, PAST_THE_LOCK_MS)),
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
