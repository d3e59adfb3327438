/** What an operator asks of rebuilds. */
import { type Route, route } from '@micromart/http/route';
import { z } from 'zod';
import type { Rebuilds } from './rebuild.ts';
import { acceptance, rebuildOrder, rebuildSchema, rebuildsSchema } from './rebuild-schemas.ts';

const MAX_ID = 200;
const id = z.object({
  id: z.string().max(MAX_ID).meta({ description: "A generation's name: `cart-events~2`" }),
});
const BEHIND =
  'It moves the live generation only when the other one has reached its positions: no answer goes back.';

/** Routes for one read model's generations. */
export function createRebuildRoutes(rebuilds: Rebuilds): Route[] {
  const switching = (verb: 'switch' | 'switch-back', summary: string, act: Rebuilds['switch']) =>
    route({
      method: 'post',
      path: `/rebuilds/{id}/${verb}`,
      summary,
      description: BEHIND,
      roles: ['operator'],
      params: id,
      body: acceptance,
      answers: { 200: { description: 'It is done', schema: rebuildSchema } },
      problems: ['not-found', 'conflict', 'unavailable'],
      async handle({ params, body, caller }) {
        const { acceptDifferences = false } = body ?? {};
        return { status: 200, body: await act(params.id, { by: caller.subject, acceptDifferences }) };
      },
    });

  return [
    route({
      method: 'get',
      path: '/rebuilds',
      summary: 'All generations of the read model, and how much room a further one takes',
      roles: ['operator'],
      answers: { 200: { description: 'The oldest first', schema: rebuildsSchema } },
      problems: ['unavailable'],
      async handle() {
        const [items, neededBytes] = await Promise.all([rebuilds.list(), rebuilds.neededRoom()]);
        return { status: 200, body: { items, next: null, room: { neededBytes } } };
      },
    }),
    route({
      method: 'post',
      path: '/rebuilds',
      summary: 'Begins to build a further generation from the log, beside the live one',
      description:
        'It is built from the first event on, compared with the live one, and then waits for its switch. A generation that ' +
        'was live before is dropped for it. `roomBytes` of the answer says how much room it takes, about.',
      roles: ['operator'],
      body: rebuildOrder,
      answers: {
        202: {
          description: 'It is begun; `Location` shows how far it is',
          schema: rebuildSchema,
          headers: z.object({ Location: z.string() }),
        },
      },
      problems: ['conflict', 'unprocessable', 'unavailable'],
      async handle({ body, caller }) {
        const begun = await rebuilds.begin({ by: caller.subject, maxBytes: body?.maxBytes });
        return { status: 202, body: begun, headers: { Location: `/rebuilds/${begun.id}` } };
      },
    }),
    route({
      method: 'get',
      path: '/rebuilds/{id}',
      summary: 'How far a generation is, and how it differs from the live one',
      roles: ['operator'],
      params: id,
      answers: { 200: { description: 'The generation', schema: rebuildSchema } },
      problems: ['not-found', 'unavailable'],
      handle: async ({ params }) => ({ status: 200, body: await rebuilds.show(params.id) }),
    }),
    route({
      method: 'post',
      path: '/rebuilds/{id}/compare',
      summary: 'Compares a generation with the live one anew',
      roles: ['operator'],
      params: id,
      answers: { 202: { description: 'It will be compared, and be ready then', schema: rebuildSchema } },
      problems: ['not-found', 'conflict', 'unavailable'],
      handle: async ({ params, caller }) => ({
        status: 202,
        body: await rebuilds.compare(params.id, caller.subject),
      }),
    }),
    switching('switch', 'Makes a generation live', rebuilds.switch),
    switching('switch-back', 'Makes live again what was live before this generation', rebuilds.switchBack),
    route({
      method: 'delete',
      path: '/rebuilds/{id}',
      summary: 'Cancels a rebuild, or drops a generation that is not live',
      roles: ['operator'],
      params: id,
      answers: {
        202: { description: 'Nothing follows it any more; its storage is removed', schema: rebuildSchema },
      },
      problems: ['not-found', 'conflict', 'unavailable'],
      handle: async ({ params, caller }) => ({
        status: 202,
        body: await rebuilds.drop(params.id, caller.subject),
      }),
    }),
  ];
}
