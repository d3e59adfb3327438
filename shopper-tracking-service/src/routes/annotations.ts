import { randomUUID } from 'node:crypto';
import { productId } from '@micromart/contracts/product-id';
import { createIdempotency, idempotencyHeaders, writtenHeaders } from '@micromart/event-log/idempotency';
import { createListCursor, cursorParameter } from '@micromart/http/list-cursor';
import { instant, uuid, wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Route, route } from '@micromart/http/route';
import { moment } from '@micromart/text/moment';
import { toStorable } from '@micromart/text/storable';
import { z } from 'zod';
import { type Annotation, MAX_ANNOTATIONS } from '../annotation.ts';
import type { AnnotationStore } from '../store/annotation-store.ts';
import { requireOrder } from './time-parameters.ts';

const MAX_LIMIT = 1_000;
const DEFAULT_LIMIT = 100;
const MAX_TEXT_LENGTH = 500;
const MAX_AUTHOR_LENGTH = 200;
/** By ranges, which every reader of the OpenAPI document understands. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const given = z.strictObject({
  at: moment.meta({ description: 'The time it is about, with its zone; it may lie ahead' }),
  text: z
    .string()
    .trim()
    .min(1)
    .max(MAX_TEXT_LENGTH)
    .regex(NO_CONTROLS, 'must not contain control characters'),
  productId: productId
    .optional()
    .meta({ description: 'The product it is about; all products where it is left out' }),
});

const annotation = z
  .object({
    id: z.uuid(),
    at: z.iso.datetime(),
    text: z.string(),
    productId: productId.optional(),
    author: z.string().meta({ description: 'The subject of whoever wrote it' }),
    writtenAt: z.iso.datetime(),
  })
  .meta({ id: 'Annotation' });

/** The time and the id behind which the next page begins. */
const annotationCursor = createListCursor(z.tuple([moment, z.uuid()]));

/** What business users note on the curves. */
export function annotationRoutes({
  annotations,
  now,
}: {
  annotations: AnnotationStore;
  now: () => Date;
}): Route[] {
  const idempotency = createIdempotency(annotations);

  return [
    route({
      method: 'get',
      path: '/annotations',
      summary: 'Notes on the curves, by the time they are about',
      roles: ['business'],
      query: z.object({
        from: instant().optional(),
        to: instant().optional().meta({ description: 'Excluded' }),
        productId: productId
          .optional()
          .meta({ description: 'Those about this product, and those about all' }),
        cursor: cursorParameter.optional(),
        limit: wholeNumber({ min: 1, max: MAX_LIMIT }).default(DEFAULT_LIMIT),
      }),
      answers: {
        200: {
          description: 'A page of annotations',
          schema: z.object({ items: z.array(annotation), next: z.string().nullable() }),
        },
      },
      problems: ['unavailable'],
      async handle({ query: { cursor, limit, ...asked } }) {
        requireOrder(asked);
        const list = JSON.stringify([asked.from ?? null, asked.to ?? null, asked.productId ?? null]);
        const [at, id] = cursor === undefined ? [] : annotationCursor.read(cursor, list);
        const after = at === undefined ? undefined : { at, id: id! };
        const found = await annotations.list({ ...asked, after, limit: limit + 1 });
        const items = found.slice(0, limit);
        const last = items.at(-1);
        const next = found.length > limit && last ? annotationCursor.write(list, [last.at, last.id]) : null;
        return { status: 200, body: { items, next } };
      },
    }),
    route({
      method: 'post',
      path: '/annotations',
      summary: 'Notes something on the curves',
      description: `There are ${MAX_ANNOTATIONS} at most; one more is answered with 422 \`too-many-annotations\`.`,
      roles: ['business'],
      headers: idempotencyHeaders,
      body: given,
      answers: {
        201: {
          description: 'The annotation',
          schema: annotation,
          headers: writtenHeaders.pick({ 'Idempotent-Replayed': true }).extend({ Location: z.string() }),
        },
      },
      problems: ['conflict', 'unprocessable', 'unavailable'],
      handle: (request) =>
        idempotency.once(request, async (key) => {
          const added: Annotation = {
            id: randomUUID(),
            ...request.body,
            author: toStorable(request.caller.subject, MAX_AUTHOR_LENGTH),
            writtenAt: now().toISOString(),
          };
          const answer = { status: 201, headers: { Location: `/annotations/${added.id}` }, body: added };
          await annotations.add(added, answer, key);
          return { answer, replayed: false };
        }),
    }),
    route({
      method: 'delete',
      path: '/annotations/{id}',
      summary: 'Takes a note off the curves, whoever wrote it',
      roles: ['business'],
      params: z.object({ id: uuid() }),
      answers: { 204: { description: 'It is gone' } },
      problems: ['not-found', 'unavailable'],
      async handle({ params: { id } }) {
        if (await annotations.remove(id)) return { status: 204 };
        throw problem('not-found', 'There is no annotation with this id: it may have been deleted.');
      },
    }),
  ];
}
