import type { Server } from './database.ts';
import type { Comparison, Leg } from './protocol.ts';

/** What a figure may use and must obey. */
export type Bench = {
  readonly server: Server;
  readonly rounds: number;
  /** Less of everything, to see whether it works: not for publishing. */
  readonly quick: boolean;
  readonly tell: (line: string) => void;
};

/** What the ratio (ours by theirs) is to reach: at least so much of a rate, at most so much of a duration. */
export type Bar =
  | { readonly atLeast: number; readonly moonshot: number }
  | { readonly atMost: number; readonly moonshot: number };

export type Row = {
  readonly figure: string;
  /** What is measured, and against what. */
  readonly what: string;
  readonly against: string;
  readonly unit: string;
  readonly bar?: Bar;
  /** Why it could not be measured, and what would make it run; or what to know when reading it. */
  readonly note?: string;
} & Partial<Comparison>;

export type Figure = (bench: Bench) => Promise<Row[]>;

export type { Leg };
