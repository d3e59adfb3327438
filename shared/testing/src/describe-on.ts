import { describe } from '@jest/globals';
import { titleOfSkipped } from './skipped-title.ts';

/** What a suite needs besides Node and npm. */
export type TestEngine = {
  readonly name: string;
  /** Why this machine cannot run it, in one line that says what to do about it; undefined if it can. */
  readonly whyNot: string | undefined;
};

/** `describe` for a suite that needs an engine. Without the engine the suite is skipped, and the end of the run says why. */
export function describeOn({ name, whyNot }: TestEngine, title: string, body: () => void): void {
  if (whyNot === undefined) describe(`${title} on ${name}`, body);
  else describe.skip(titleOfSkipped({ title, engine: name, whyNot }), body);
}
