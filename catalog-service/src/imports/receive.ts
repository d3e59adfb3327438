import type { IncomingMessage } from 'node:http';

/** Bytes that may have come and not been read; then the sender has to wait. */
const MAX_HELD_BYTES = 262_144;

/**
 * The bytes of an answer, taken in from now on: one that breaks before anybody listens would tell nobody. Node's own
 * iterator drops what has come when a connection breaks, so one that breaks off again and again would never get anybody
 * further; this one gives it out first, and then throws. `onSilence` is called when nothing has come for so long while it
 * was waited for, `onWaited` after each wait with the bytes that have come of it: time in which nobody asks for more does
 * not count.
 */
export function receive(
  response: IncomingMessage,
  {
    silenceTimeoutMs,
    onSilence,
    onWaited,
  }: {
    readonly silenceTimeoutMs: number;
    readonly onSilence: () => void;
    readonly onWaited: (waitedMs: number, bytes: number) => void;
  },
): AsyncIterable<Buffer> {
  const held: Buffer[] = [];
  let heldBytes = 0;
  let end: { error?: Error } | undefined;
  let wake = () => {};

  response.on('data', (piece: Buffer) => {
    held.push(piece);
    heldBytes += piece.length;
    if (heldBytes >= MAX_HELD_BYTES) response.pause();
    wake();
  });
  const finish = (error?: Error) => {
    end ??= error ? { error } : {};
    wake();
  };
  response.once('end', () => finish()).once('error', finish);
  response.once('close', () => finish(new Error('the answer was closed')));

  async function* give(): AsyncGenerator<Buffer> {
    for (;;) {
      const piece = held.shift();
      if (piece) {
        heldBytes -= piece.length;
        yield piece;
      } else if (end) {
        if (end.error) throw end.error;
        return;
      } else {
        response.resume();
        const beganMs = performance.now();
        const timer = setTimeout(onSilence, silenceTimeoutMs);
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        clearTimeout(timer);
        onWaited(performance.now() - beganMs, heldBytes);
      }
    }
  }
  return give();
}
