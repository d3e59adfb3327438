import { problem } from '@micromart/http/problem';

const RETRY_S = 5;

/**
 * The lists that are being sent as CSV, one of each caller at a time: so nobody takes all connections that there are for
 * them. Counted per process, as these connections are.
 */
export type Exports = {
  /** Call the function it gives when the list was sent or not. Throws `too-many-requests` while the caller has another. */
  begin(subject: string): () => void;
};

export function createExports(): Exports {
  const callers = new Set<string>();

  return {
    begin(subject) {
      if (callers.has(subject)) {
        throw problem(
          'too-many-requests',
          'You may have one list as CSV at a time: wait until the other one was sent.',
          { retryAfterS: RETRY_S },
        );
      }
      callers.add(subject);
      return () => callers.delete(subject);
    },
  };
}
