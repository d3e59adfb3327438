/**
 * Whether a sender is too slow: takes each wait for it and the bytes that came of it, and answers whether fewer than
 * `minWindowBytes` came within the last `rateWindowMs` of waiting. Time in which nobody waits does not count, so a reader
 * who is slow himself blames nobody.
 */
export function createRateFloor({
  minWindowBytes,
  rateWindowMs,
}: {
  readonly minWindowBytes: number;
  readonly rateWindowMs: number;
}): (waitedMs: number, bytes: number) => boolean {
  let windowMs = 0;
  let windowBytes = 0;
  return (waitedMs, bytes) => {
    windowMs += waitedMs;
    windowBytes += bytes;
    if (windowMs < rateWindowMs) return false;
    const isTooSlow = windowBytes < minWindowBytes;
    windowMs = 0;
    windowBytes = 0;
    return isTooSlow;
  };
}
