/**
 * An HTTP answer that goes on: a JSON document a line, for as long as both sides like. An answer of any other type is one
 * document. Everything has a limit: how long there may be silence, and the bytes of a document.
 */
import { createHttpClient, type HttpRequest } from './http-client.ts';

/** One document a line; no document has a line break in it (https://github.com/ndjson/ndjson-spec). */
export const NDJSON = 'application/x-ndjson';

export type ListenLimits = {
  /** Between two documents, and before the first. */
  readonly silenceMs: number;
  /** Of a document, in characters. */
  readonly maxLength: number;
  readonly signal: AbortSignal;
};

/** Documents as they come; ends when the answer does. Throws when it breaks off, or with the signal's reason. */
export type Listen = (request: HttpRequest, limits: ListenLimits) => AsyncGenerator<Heard, void>;

export type Heard = {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly text: string;
};

const MS_PER_S = 1_000;

/** `connections` at a time to each host. Who listens no longer lets go of one. */
export function createListen({ connections }: { connections: number }): Listen {
  const { sendRequest, dropIdle } = createHttpClient({ connections });

  return async function* listen(request, { silenceMs, maxLength, signal }) {
    const silence = new AbortController();
    const timer = setTimeout(() => silence.abort(), silenceMs);
    try {
      const incoming = await sendRequest(request, AbortSignal.any([signal, silence.signal]));
      const status = incoming.statusCode!;
      const contentType = incoming.headers['content-type'];
      const inLines = contentType?.startsWith(NDJSON) ?? false;
      let rest = '';
      for await (const chunk of incoming.setEncoding('utf8')) {
        timer.refresh();
        rest += chunk;
        if (rest.length > maxLength) throw new Error(`answered more than ${maxLength} characters`);
        if (!inLines) continue;
        const lines = rest.split('\n');
        rest = lines.pop()!;
        for (const text of lines) yield { status, contentType, text };
      }
      if (!inLines) yield { status, contentType, text: rest };
    } catch (error) {
      signal.throwIfAborted();
      if (silence.signal.aborted) {
        dropIdle();
        throw new Error(`said nothing for ${silenceMs / MS_PER_S} s`);
      }
      throw error;
    } finally {
      clearTimeout(timer);
    }
  };
}
