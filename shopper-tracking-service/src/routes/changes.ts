import { headerText } from '@micromart/http/parameters';
import { type Route, route } from '@micromart/http/route';
import { z } from 'zod';
import { MAX_PRODUCTS } from '../change-id.ts';
import type { ChangeStream } from '../changes/change-stream.ts';
import { changed } from './count-schemas.ts';

const id = z.string().meta({ description: 'Send it as `Last-Event-ID` to go on behind this event' });

/** An event as a client's library hands it out: `event`, `id` and the parsed `data`. */
const changeEvent = z
  .union([
    z.object({ event: z.literal('counts'), id, data: changed }),
    z.object({
      event: z.literal('reset'),
      id,
      data: z.object({
        reason: z.enum(['expired', 'replaced', 'too-many']).meta({
          description:
            '`expired`: what changed since `Last-Event-ID` is no longer kept. `replaced`: that id is of another database, or other ' +
            `counters are answered now. \`too-many\`: more than ${MAX_PRODUCTS} products changed.`,
        }),
        detail: z.string(),
      }),
    }),
  ])
  .meta({ id: 'ChangeEvent' });

/** `GET /changes` */
export const changesRoute = (changes: ChangeStream): Route =>
  route({
    method: 'get',
    path: '/changes',
    summary: 'Counters whenever they change, as server-sent events',
    description:
      'Open it first, then read the counters that you show, with `GET /products` for example; each `counts` event replaces those ' +
      'of one product, at most once a second. After a `reset` read them again; what changes from then on follows. A client ' +
      'that was cut sends `Last-Event-ID`, to any instance, and is told all that it missed within the last hour; an event may ' +
      'come twice, none is left out. A client that reads too slowly gets only the latest counters, and is cut when it takes ' +
      'nothing for ten seconds. Without changes a comment comes every 15 seconds. After five minutes the stream ends: ask again ' +
      'with `Last-Event-ID`, and a valid token.',
    roles: ['business'],
    headers: z.object({
      'Last-Event-ID': headerText().optional().meta({
        description:
          'The id of the last event that was received. One that is not known here leads to a `reset`',
      }),
    }),
    answers: {
      200: {
        description: 'The events; the schema is that of each of them',
        schema: changeEvent,
        contentType: 'text/event-stream',
        headers: z.object({
          'X-Accel-Buffering': z.literal('no').meta({ description: 'Proxies must pass events on at once' }),
        }),
      },
    },
    problems: ['unavailable'],
    preconditions: 'refused',
    async handle({ headers, signal, raw }) {
      const answer = {
        status: 200,
        headers: {
          'Content-Type': 'text/event-stream',
          'Cache-Control': 'no-store',
          'X-Accel-Buffering': 'no',
        },
      };
      if (raw.method === 'HEAD') return answer;
      // The header of a client that has no id yet may be there and empty.
      return { ...answer, stream: await changes.join(headers['Last-Event-ID'] || undefined, signal) };
    },
  });
