/** The judges, each a pure function from the evidence to what is wrong; an empty list is an acquittal. */
import type { Evidence } from './evidence/evidence.ts';
import { judgeAnswers } from './judges/answers.ts';
import { judgeBackwards } from './judges/backwards.ts';
import { judgeCarts } from './judges/carts.ts';
import { judgeChanges } from './judges/changes.ts';
import { judgeCloses } from './judges/closes.ts';
import { judgeCounts } from './judges/counts.ts';
import { judgeCoverage } from './judges/coverage.ts';
import { judgeFollowers } from './judges/followers.ts';
import { judgeGlances } from './judges/glances.ts';
import { judgeJobs } from './judges/jobs.ts';
import { judgeOrder } from './judges/order.ts';
import { judgeProducts } from './judges/products.ts';
import { judgeRebuilds } from './judges/rebuilds.ts';
import { judgeRolls } from './judges/rolls.ts';
import { judgeSpared } from './judges/spared.ts';
import { judgeStopped } from './judges/stopped.ts';
import { judgeStops } from './judges/stops.ts';

export type Judge = (evidence: Evidence) => string[];

export const JUDGES = {
  changes: judgeChanges,
  order: judgeOrder,
  carts: judgeCarts,
  closes: judgeCloses,
  counts: judgeCounts,
  answers: judgeAnswers,
  backwards: judgeBackwards,
  followers: judgeFollowers,
  stops: judgeStops,
  spared: judgeSpared,
  rolls: judgeRolls,
  stopped: judgeStopped,
  jobs: judgeJobs,
  products: judgeProducts,
  glances: judgeGlances,
  rebuilds: judgeRebuilds,
  coverage: judgeCoverage,
} as const satisfies Readonly<Record<string, Judge>>;

export type JudgeName = keyof typeof JUDGES;
export type Objection = { readonly judge: JudgeName; readonly what: string };

export const judge = (evidence: Evidence): Objection[] =>
  (Object.keys(JUDGES) as JudgeName[]).flatMap((name) =>
    JUDGES[name](evidence).map((what) => ({ judge: name, what })),
  );
