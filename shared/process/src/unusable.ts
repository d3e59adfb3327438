/**
 * Something that the process depends on can never work, such as a server that is too old. The message is one line: what is needed
 * and what was found. A restart would end in the same way (run.ts of the package service).
 */
export class Unusable extends Error {
  override name = 'Unusable';
}
