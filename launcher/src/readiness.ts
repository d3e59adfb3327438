import { setTimeout as delay } from 'node:timers/promises';

const CAP_MS = 60_000;
const REQUEST_TIMEOUT_MS = 3_000;
const POLL_MS = 25;

/**
 * Waits until the service at `url` lives, and then until it is ready. Gives undefined then, and what it still lacks
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
  const { parts = {} } = (await response.json()) as {
    parts?: Record<string, { ok: boolean; detail?: string }>;
  };
  const missing = Object.entries(parts).filter(([, { ok }]) => !ok);
  return missing.map(([name, { detail }]) => (detail ? `${name}: ${detail}` : name)).join('; ') || undefined;
}

async function ask(url: string, signal: AbortSignal): Promise<string | undefined> {
  try {
    const timeout = AbortSignal.timeout(REQUEST_TIMEOUT_MS);
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
    const text = await response.text();
    return response.ok ? undefined : text;
  } catch {
    signal.throwIfAborted();
    return 'it does not answer';
  }
}
