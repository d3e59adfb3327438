import { setTimeout as delay } from 'node:timers/promises';

const CAP_MS = 60_000;
const REQUEST_TIMEOUT_MS = 3_000;
const POLL_MS = 25;
/** The beginning of the names of parts that follow another service. */
const SUBSCRIPTION = 'subscription ';

type Readiness = { parts?: Record<string, { ok: boolean; detail?: string }> };

/**
 * Waits until the service at `url` is live, and then until it is ready and its subscriptions follow. A service is ready before
 * that, because it can answer as of an earlier time. Resolves with undefined then, and after a minute with what it still
 * lacks. Rejects when `signal` aborts.
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

/** What a ready service lacks, in its own words; undefined if it lacks nothing. */
export async function askWhatIsMissing(url: string, signal: AbortSignal): Promise<string | undefined> {
  const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
  const response = await fetch(`${url}/health/ready`, { signal: AbortSignal.any([signal, timeout]) });
  const { parts = {} } = (await response.json()) as Readiness;
  const missing = Object.entries(parts).filter(([, { ok }]) => !ok);
  return missing.map(([name, { detail }]) => (detail ? `${name}: ${detail}` : name)).join('; ') || undefined;
}

/** Whether a service is ready now, and its subscriptions follow. */
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

/** Whether no part of readiness is a subscription that is behind, or has stopped. */
function isFollowing(text: string): boolean {
  // The systems that the bench compares with answer here too, without parts.
  const { parts = {} } = text.startsWith('{') ? (JSON.parse(text) as Readiness) : {};
  return Object.entries(parts).every(([name, { ok }]) => ok || !name.startsWith(SUBSCRIPTION));
}
