/**
 * Detects a sender that is too slow. The function takes each wait for the sender and the bytes that it brought. It returns
 * whether fewer than `minWindowBytes` came within the last `rateWindowMs` of waiting. Time in which the reader does not wait
 * is not counted, so a slow reader blames no sender.
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
