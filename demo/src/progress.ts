import cliProgress from 'cli-progress';
import { timeLeft } from './time-left.ts';

/** Shows the progress of long work: a bar in a terminal, else a line now and then. */
export type Progress = {
  /** Counts one more. */
  step(): void;
  /** Sets the count. */
  reach(value: number): void;
  requestDone(): void;
  close(): void;
};

const LINE_EVERY_MS = 5_000;
const ETA_OVER_STEPS = 500;

/** `what` names the counted things, such as "carts". */
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
    // Only the timer draws: an update that draws would print a line each time if there is no terminal.
    synchronousUpdate: false,
    etaBuffer: ETA_OVER_STEPS,
    formatTime: timeLeft,
    // Unchanged, so that Ctrl-C leaves the terminal as it was; the bar is cut off at its width.
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
