import type { Document } from '@micromart/event-log/change-store';
import type { ChangeRequest } from '@micromart/event-log/fold';
import { requireLoggable } from '@micromart/event-log/loggable';
import type { NewEvent } from '@micromart/events/envelope';

/** An answer, and how many of the document's events there were after this request; or the error. */
export type Decided = { readonly answer: unknown; readonly events: number } | { readonly error: unknown };

export type FoldedDocument<State> = {
  /** One for each request, in their order. */
  readonly decided: readonly Decided[];
  /** What to write; undefined when nothing changes. */
  readonly change?: {
    readonly version: number;
    readonly state: State;
    readonly events: readonly (NewEvent & { readonly traceparent: string | undefined })[];
  };
};

/** Decides changes of one document, each on the result of the one before. One that throws contributes only its error. */
export function foldDocument<State>(
  requests: readonly ChangeRequest<State>[],
  loaded: Document<State> | undefined,
): FoldedDocument<State> {
  let document = loaded;
  const events: (NewEvent & { traceparent: string | undefined })[] = [];
  const decided = requests.map(({ decide, traceparent }): Decided => {
    try {
      const version = (document?.version ?? 0) + 1;
      const { answer, change } = decide(document, version);
      if (change) {
        requireLoggable(change.events);
        events.push(...change.events.map((event) => ({ ...event, traceparent })));
        document = { version, sequence: document?.sequence ?? 0, state: change.state };
      }
      return { answer, events: events.length };
    } catch (error) {
      return { error };
    }
  });
  if (!document || document === loaded) return { decided };
  const { version, state } = document;
  return { decided, change: { version, state, events } };
}
