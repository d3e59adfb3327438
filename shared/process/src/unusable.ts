/**
 * What a process was given cannot do, and will not by itself: a server that is too old. Its message is one line that says
 * what is needed and what was found. Starting again would end the same way (run.ts).
 */
export class Unusable extends Error {
  override name = 'Unusable';
}
