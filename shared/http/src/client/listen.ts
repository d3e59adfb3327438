/**
 * A streamed HTTP answer: one JSON document a line, for as long as both sides like. An answer of any other type is one
 * document. Both the silence between documents and the length of a document have limits.
 */
import { createHttpClient, type HttpRequest } from './http-client.ts';

/** One document a line; no document contains a line break (https://github.com/ndjson/ndjson-spec). */
export const NDJSON = 'application/x-ndjson';

export type ListenLimits = {
  /** The longest silence before the first document, and between two. */
  readonly silenceMs: number;
  /** The longest document, in characters. */
  readonly maxLength: number;
  readonly signal: AbortSignal;
};

/** Yields documents as they arrive, and ends with the answer. Throws when the answer breaks off, or the signal's reason. */
export type Listen = (request: HttpRequest, limits: ListenLimits) => AsyncGenerator<Heard, void>;

export type Heard = {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly text: string;
};

const MS_PER_S = 1_000;

/** Opens at most `connections` to each host. Ending the iteration frees its connection. */
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
