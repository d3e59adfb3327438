/** Connections that are cut, delayed, or fall silent. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Draw } from '@micromart/demo/draws';
import type { TcpProxy } from '@micromart/testing/tcp-proxy';
import type { Load } from '../load/load.ts';
import type { Link } from '../system/side.ts';
import type { Fault, Struck } from './fault.ts';
import { between, shortly, sideOf, strikeNow } from './moment.ts';

const LEAST_CUT_MS = 10;
const MOST_CUT_MS = 60;

export function cutReplies(link: Link): Fault {
  return {
    says: `replies are cut, and what they answer has happened (${link})`,
    figure: 'cuts of replies',
    async strike({ system, load, draw }) {
      return cutLink(load, sideOf(system, draw).links[link], draw);
    },
  };
}

/** Cuts replies for a short time, or for as long beyond the end of something. */
export async function cutLink(
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

export function delayLink(link: Link): Fault {
  return {
    says: `nothing passes for a while (${link})`,
    figure: 'delays',
    async strike({ system, load, draw }) {
      return pauseLink(load, sideOf(system, draw).links[link], shortly(draw));
    },
  };
}

export async function pauseLink(load: Load, link: TcpProxy, ms: number): Promise<Struck> {
  const struck = await strikeNow(load, () => link.pause());
  await sleep(ms);
  link.resume();
  return struck;
}

export function halfOpen(link: Link): Fault {
  return {
    says: `the connections there are fall silent, and neither side is told (${link})`,
    figure: 'half-open connections',
    strike: ({ system, load, draw }) => {
      const proxy = sideOf(system, draw).links[link];
      return strikeNow(load, () => proxy.abandon());
    },
  };
}
