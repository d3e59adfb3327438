import type { IncomingMessage } from 'node:http';

/** Bytes that are buffered before the sender is paused. */
const MAX_HELD_BYTES = 262_144;

/**
 * The bytes of an answer, received from now on, so that an error before the first read is not missed. Node's own iterator
 * drops received bytes when a connection breaks, so an import whose connection breaks again and again would never advance.
 * This one yields them first, and then throws. `onSilence` is called when a wait for bytes has lasted `silenceTimeoutMs`;
 * `onWaited` after each wait, with the bytes it brought. Time in which the reader does not wait is not counted.
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
