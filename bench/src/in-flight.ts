/** Keeps `width` pieces of work going, each with its own number, until `seconds` are over; gives how many were done. */
export async function keepInFlight(
  { width, seconds }: { width: number; seconds: number },
  work: (lane: number, turn: number) => Promise<unknown>,
): Promise<{ done: number; perSecond: number }> {
  const startedMs = performance.now();
  const untilMs = startedMs + seconds * 1_000;
  let done = 0;
  await Promise.all(
    Array.from({ length: width }, async (_, lane) => {
      for (let turn = 0; performance.now() < untilMs; turn += 1) {
        await work(lane, turn);
        done += 1;
      }
    }),
  );
  return { done, perSecond: (done * 1_000) / (performance.now() - startedMs) };
}
