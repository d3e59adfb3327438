import { inspect } from 'node:util';

const POLL_MS = 10;

type Truthy<T> = Exclude<T, false | 0 | '' | null | undefined>;

/**
 * Awaits a condition: calls it every 10 ms until it returns something truthy, and resolves with that. It also retries a
 * condition that throws. At the cap it rejects with what the condition returned or threw last, and with its source text.
 */
export async function until<T>(
  condition: () => T | Promise<T>,
  { capMs = 20_000 }: { capMs?: number } = {},
): Promise<Truthy<T>> {
  const deadline = performance.now() + capMs;
  for (;;) {
    const last = await attempt(condition);
    if ('value' in last && last.value) return last.value as Truthy<T>;
    if (performance.now() >= deadline) {
      const outcome = 'value' in last ? `gave ${inspect(last.value)}` : `threw ${inspect(last.error)}`;
      throw new Error(`not within ${capMs} ms: ${condition}\nit last ${outcome}`);
    }
    await new Promise((wake) => setTimeout(wake, POLL_MS));
  }
}

async function attempt<T>(condition: () => T | Promise<T>): Promise<{ value: T } | { error: unknown }> {
  try {
    return { value: await condition() };
  } catch (error) {
    return { error };
  }
}
