import { setTimeout as delay } from 'node:timers/promises';

const CAP_MS = 60_000;
const REQUEST_TIMEOUT_MS = 3_000;
const POLL_MS = 25;
/** What the parts' names begin with that say whether a service follows another. */
const SUBSCRIPTION = 'subscription ';

type Readiness = { parts?: Record<string, { ok: boolean; detail?: string }> };

/**
 * Waits until the service at `url` lives, and then until it is ready and its subscriptions follow: a service is ready
 * before that, for it can answer, as of some time ago. Gives undefined then, and what it still lacks
 * when a minute has passed. Rejects when `signal` aborts.
 */
export async function awaitReady(
  url: string,
  signal: AbortSignal,
  { capMs = CAP_MS }: { capMs?: number } = {},
): Promise<string | undefined> {
  const deadline = performance.now() + capMs;
  for (const path of ['/health/live', '/health/ready']) {
    for (;;) {
      const lack = await ask(`${url}${path}`, signal);
      if (!lack) break;
      if (performance.now() >= deadline) return lack;
      await delay(POLL_MS, undefined, { signal });
    }
  }
  return undefined;
}

/** What a service that is ready has to do without, in its own words; undefined when there is nothing. */
export async function askWhatIsMissing(url: string, signal: AbortSignal): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.any([signal, timeout]) });
  const { parts = {} } = (await response.json()) as Readiness;
  const missing = Object.entries(parts).filter(([, { ok }]) => !ok);
  return missing.map(([name, { detail }]) => (detail ? `${name}: ${detail}` : name)).join('; ') || undefined;
}

/** Whether a service is ready now, and follows what it follows. */
export const isReady = async (url: string, signal: AbortSignal): Promise<boolean> =>
  (await ask(`${url}/health/ready`, signal)) === undefined;

async function ask(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
    const text = await response.text();
    return response.ok && isFollowing(text) ? undefined : text;
  } catch {
    signal.throwIfAborted();
    return 'it does not answer';
  }
}

/** Whether no part of readiness is a subscription that is behind, or does not go on. */
function isFollowing(text: string): boolean {
  // What others answer at this address, beside which the system is measured, has no parts.
  const { parts = {} } = text.startsWith('{') ? (JSON.parse(text) as Readiness) : {};
  return Object.entries(parts).every(([name, { ok }]) => ok || !name.startsWith(SUBSCRIPTION));
}
