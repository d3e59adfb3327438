import { describe } from '@jest/globals';
import { titleOfSkipped } from './skipped-title.ts';

/** What a suite runs on besides Node and npm. */
export type TestEngine = {
  readonly name: string;
  /** Why it is not to be had on this machine, in one line that says what to do about it; undefined where it is. */
  readonly whyNot: string | undefined;
};

/** A suite on an engine. Where that is not to be had the suite is skipped, and the end of the run says so and why. */
export function describeOn({ name, whyNot }: TestEngine, title: string, body: () => void): void {
  if (whyNot === undefined) describe(`${title} on ${name}`, body);
  else describe.skip(titleOfSkipped({ title, engine: name, whyNot }), body);
}
