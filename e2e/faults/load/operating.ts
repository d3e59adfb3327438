/**
 * An operator rebuilds the read model again and again, under load and faults: a further generation, the comparison, the switch,
 * back, and again, and the older one is dropped for the next. Goes by what is shown, since requests may break off.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '@micromart/testing/until';
import type { System } from '../system/system.ts';

/** A comparison as it is shown. */
export type Compared = {
  readonly generation: string;
  readonly rows: number;
  readonly differing: number;
  readonly otherHistory: string | null;
  readonly listed: readonly unknown[];
};

export type Operating = {
  /** Comes back when so many generations were compared and switched to; gives their comparisons, and how many switches. */
  finish(): Promise<{ compared: readonly Compared[]; switches: number }>;
};

const PAUSE_MS = 50;
const TIMEOUT_MS = 15_000;
const CYCLE_CAP_MS = 240_000;

type Shown = {
  readonly id: string;
  readonly state: string;
  readonly live: boolean;
  readonly liveSince: string | null;
  readonly comparison: Omit<Compared, 'generation'> | null;
};

export async function startOperating(
  { addresses, issuer }: System,
  { rebuilds, isOver }: { rebuilds: number; isOver: () => boolean },
): Promise<Operating> {
  const token = await issuer.token({ subject: 'operator', roles: ['operator'], expiresIn: '24h' });
  const compared: Compared[] = [];
  let switches = 0;
  let turn = 0;

  /** Asks one instance after the other; undefined where it was not carried out, or nobody knows. */
  async function ask(method: string, path: string, body?: unknown): Promise<unknown> {
    turn += 1;
    try {
      const response = await fetch(addresses.trackings[turn % addresses.trackings.length] + path, {
        method,
        headers: {
          authorization: `Bearer ${token}`,
          ...(body !== undefined && { 'content-type': 'application/json' }),
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const answer = await response.json();
      return response.ok ? answer : undefined;
    } catch {
      return undefined;
    }
  }

  const list = async (): Promise<readonly Shown[]> =>
    ((await ask('GET', '/rebuilds')) as { items: readonly Shown[] } | undefined)?.items ?? [];

  /** Repeats an act until what is shown is as it should be. */
  async function bring(
    isThere: (shown: readonly Shown[]) => boolean,
    act: () => Promise<unknown>,
  ): Promise<void> {
    await until(
      async () => {
        if (isOver() || isThere(await list())) return true;
        await act();
        await sleep(PAUSE_MS);
        return false;
      },
      { capMs: CYCLE_CAP_MS },
    );
  }

  const isFresh = ({ state, live, liveSince }: Shown) =>
    !live && liveSince === null && ['creating', 'building', 'ready'].includes(state);
  const makeLive = async (id: string, verb: 'switch' | 'switch-back', from: string, accept: boolean) => {
    await bring(
      (shown) => shown.some((one) => one.id === id && one.live),
      () => ask('POST', `/rebuilds/${from}/${verb}`, { acceptDifferences: accept }),
    );
    switches += 1;
  };

  async function rebuildOnce(): Promise<void> {
    await bring(
      (shown) => shown.some(isFresh),
      () => ask('POST', '/rebuilds'),
    );
    let shown: readonly Shown[] = [];
    await bring(
      (now) => {
        shown = now;
        return now.some((one) => isFresh(one) && one.state === 'ready');
      },
      async () => {},
    );
    const next = shown.find(isFresh);
    const before = shown.find(({ live }) => live);
    if (!next?.comparison || !before) return;
    compared.push({ generation: next.id, ...next.comparison });
    const accept = next.comparison.differing > 0;
    await makeLive(next.id, 'switch', next.id, accept);
    await makeLive(before.id, 'switch-back', next.id, accept);
    await makeLive(next.id, 'switch', next.id, accept);
  }

  async function operate(): Promise<void> {
    for (let n = 0; n < rebuilds && !isOver(); n += 1) await rebuildOnce();
  }

  const operating = operate();
  // Somebody waits for it later.
  operating.catch(() => {});
  return {
    async finish() {
      await operating;
      return { compared, switches };
    },
  };
}
