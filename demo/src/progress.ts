import cliProgress from 'cli-progress';
import { timeLeft } from './time-left.ts';

/** Shows how far a long piece of work has come: a bar in a terminal, else a line now and then. */
export type Progress = {
  /** One more of what counts. */
  step(): void;
  /** So many of them by now. */
  reach(value: number): void;
  requestDone(): void;
  close(): void;
};

const LINE_EVERY_MS = 5_000;
const ETA_OVER_STEPS = 500;

/** `what` names what is counted, as in "carts". */
export function openProgress(total: number, what: string, stream: NodeJS.WriteStream): Progress {
  const startedAt = Date.now();
  let requests = 0;
  const figures = `{percentage} % | {value} of {total} ${what}{rate} | {eta_formatted}`;
  const bar = new cliProgress.SingleBar({
    format: stream.isTTY ? `{bar} ${figures}` : figures,
    barsize: 20,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    stream,
    // Drawn by the timer alone: an update that draws would print a line each time where there is no terminal.
    synchronousUpdate: false,
    etaBuffer: ETA_OVER_STEPS,
    formatTime: timeLeft,
    // Left alone, so that Ctrl-C leaves the terminal as it was; the bar is cut off at its width.
    linewrap: true,
    noTTYOutput: true,
    notTTYSchedule: LINE_EVERY_MS,
  });
  const rate = () => {
    const perSecond = Math.round(requests / Math.max((Date.now() - startedAt) / 1000, 0.001));
    return { rate: requests > 0 ? ` | ${perSecond.toLocaleString('en')} requests/s` : '' };
  };

  bar.start(total, 0, rate());
  return {
    step: () => bar.increment(1, rate()),
    reach: (value) => bar.update(value, rate()),
    requestDone: () => {
      requests++;
    },
    close: () => bar.stop(),
  };
}
