import cliProgress from 'cli-progress';

/** Shows how far the replay has come: a bar in a terminal, else a line now and then. */
export type Progress = { cartDone(): void; requestDone(): void; close(): void };

const LINE_EVERY_MS = 5_000;
const ETA_OVER_CARTS = 500;
const FIGURES = '{percentage} % | {value} of {total} carts | {perSecond} requests/s | {eta_formatted} left';

export function openProgress(carts: number, stream: NodeJS.WriteStream): Progress {
  const startedAt = Date.now();
  let requests = 0;
  const bar = new cliProgress.SingleBar({
    format: stream.isTTY ? `{bar} ${FIGURES}` : FIGURES,
    barsize: 20,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream,
    // Drawn by the timer alone: an update that draws would print a line each time where there is no terminal.
    synchronousUpdate: false,
    etaBuffer: ETA_OVER_CARTS,
    // Left alone, so that Ctrl-C leaves the terminal as it was; the bar is cut off at its width.
    linewrap: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
  });
  const figures = () => ({
    perSecond: Math.round(requests / Math.max((Date.now() - startedAt) / 1000, 0.001)).toLocaleString('en'),
  });

  bar.start(carts, 0, figures());
  return {
    cartDone: () => bar.increment(1, figures()),
    requestDone: () => {
      requests++;
    },
    close: () => bar.stop(),
  };
}
