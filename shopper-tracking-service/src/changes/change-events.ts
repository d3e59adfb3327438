/** The text of `GET /changes`, as server-sent events (HTML standard, 9.2). */

/** `expired`, `replaced`: see change-id.ts. `too-many`: more products changed than are told one by one. */
export type ResetReason = 'expired' | 'replaced' | 'too-many';

/** What one look at the database found: counters by product, or that they cannot be told one by one. */
export type Found =
  | { readonly id: string; readonly products: ReadonlyMap<string, string> }
  | { readonly id: string; readonly reset: ResetReason };

export type Chunk = { readonly bytes: Buffer; readonly isReset: boolean };

const HOW_TO_GO_ON =
  'The counters that you have may be out of date: read them again, with GET /products for example. What changes from now on follows.';

const DETAIL: { readonly [R in ResetReason]: string } = {
  expired: `Changes are not kept for so long. ${HOW_TO_GO_ON}`,
  replaced: `The Last-Event-ID is not of the counters that are answered now. ${HOW_TO_GO_ON}`,
  'too-many': `More products changed than are told one by one. ${HOW_TO_GO_ON}`,
};

const event = (name: string, id: string, data: string): string =>
  `event: ${name}\nid: ${id}\ndata: ${data}\n\n`;

/** Only the last event has the new id: a client that got some of them only must be told all of them again. */
export function chunkOf(idBefore: string, found: Found): Chunk {
  if ('reset' in found) {
    const { reset } = found;
    const data = JSON.stringify({ reason: reset, detail: DETAIL[reset] });
    return { bytes: Buffer.from(event('reset', found.id, data)), isReset: true };
  }
  const { id, products } = found;
  let n = 0;
  let text = '';
  for (const data of products.values()) {
    n += 1;
    text += event('counts', n === products.size ? id : idBefore, data);
  }
  return { bytes: Buffer.from(n > 0 ? text : beginning(id)), isReset: false };
}

/** Says where the client stands without an event, so that it misses nothing if it is cut before the first one. */
export const beginning = (id: string): string => `id: ${id}\n\n`;

/** How long a client waits before it comes back, in milliseconds. */
export const retry = (ms: number): string => `retry: ${ms}\n\n`;

/** A line that clients skip; it shows that both are still there. */
export const comment = (text: string): string => `: ${text}\n\n`;
