import { randomUUID } from 'node:crypto';
import { productId } from '@micromart/contracts/product-id';
import type { Decide, Document } from '@micromart/event-log/change-store';
import { createIdempotency, idempotencyHeaders, writtenHeaders } from '@micromart/event-log/idempotency';
import { matchesWeakly } from '@micromart/http/conditional/entity-tag';
import { wholeNumber } from '@micromart/http/parameters';
import { problem } from '@micromart/http/problem';
import { type Answer, type Route, type RouteRequest, route } from '@micromart/http/route';
import type { ProductCopies } from '@micromart/product-copies/product-copies';
import { z } from 'zod';
import {
  addItems,
  type Cart,
  type CartChange,
  type ChangeContext,
  closeCart,
  MAX_QUANTITY,
  removeItem,
  setQuantity,
} from './cart.ts';
import { cartAnswer, requirePreconditions } from './cart-answers.ts';
import type { ProductInfo } from './product-info.ts';
import { cart, cartHeaders, cartId, changedHeaders, newItems } from './routes/cart-schemas.ts';
import type { CartStore } from './store/store.ts';
import { withCatalog } from './with-catalog.ts';

const answers = { 200: { description: 'The cart', schema: cart, headers: changedHeaders } };

type Written = z.output<typeof idempotencyHeaders>;

/** The routes of the cart service. Another shopper's cart is answered like one that does not exist. */
export function cartRoutes(store: CartStore, copies: ProductCopies, now: () => Date): Route[] {
  const idempotency = createIdempotency(store.carts);

  /**
   * Answers a change of the caller's own cart. The change applies to its newest version, if the preconditions hold. `rule`
   * gets the catalog's info about `wanted` and about the cart's products.
   */
  const change = (
    request: RouteRequest<{ cartId: string; productId?: string }, unknown, Written, unknown>,
    wanted: readonly string[],
    rule: (cart: Cart, context: ChangeContext, productInfo: ProductInfo) => CartChange,
  ): Promise<Answer> => {
    const { params, caller, preconditions, traceparent } = request;
    return idempotency.once(request, (key) =>
      withCatalog(copies, (productInfoOf) => {
        const decide: Decide<Cart, Answer> = (document, nextVersion) => {
          const own = requireOwn(document, caller.subject);
          if (hasSomethingToChange(own.state, request))
            requirePreconditions(preconditions, own.version, isThere(own.state, params));
          const productInfo = productInfoOf([...productIdsOf(own.state), ...wanted]);
          const context = { cartId: params.cartId, version: nextVersion, now: now() };
          const result = rule(own.state, context, productInfo);
          if (result.events.length === 0)
            return { answer: cartAnswer(200, params.cartId, own.state, own.version, productInfo) };
          return {
            answer: cartAnswer(200, params.cartId, result.cart, nextVersion, productInfo),
            change: { state: result.cart, events: result.events },
          };
        };
        return store.carts.change(params.cartId, decide, { key, traceparent });
      }),
    );
  };

  return [
    route({
      method: 'post',
      path: '/carts',
      summary: 'Open a cart',
      roles: ['shopper'],
      headers: idempotencyHeaders,
      answers: {
        201: {
          description: 'The new cart, at `Location`',
          schema: cart,
          headers: changedHeaders.extend({ Location: z.string() }),
        },
      },
      problems: ['conflict', 'unprocessable', 'unavailable'],
      handle: (request) =>
        idempotency.once(request, (key) => {
          const id = randomUUID();
          const answer = (opened: Cart, version: number): Answer => {
            const { headers, ...rest } = cartAnswer(201, id, opened, version, NO_PRODUCT_INFO);
            return { ...rest, headers: { ...headers, location: `/carts/${id}` } };
          };
          return store.open(id, request.caller.subject, answer, { key, traceparent: request.traceparent });
        }),
    }),
    route({
      method: 'get',
      path: '/carts/{cartId}',
      summary: 'A cart',
      roles: ['shopper'],
      params: z.object({ cartId }),
      answers: {
        200: { description: 'The cart', schema: cart, headers: cartHeaders },
        304: { description: 'The cart has not changed.', headers: cartHeaders },
      },
      problems: ['not-found', 'unavailable'],
      preconditions: 'by-handler',
      async handle({ params, caller, preconditions }) {
        const own = requireOwn(await store.carts.read(params.cartId), caller.subject);
        const { copies: productInfo } = await copies.get(productIdsOf(own.state));
        const answer = cartAnswer(200, params.cartId, own.state, own.version, productInfo);
        requirePreconditions({ ifMatch: preconditions.ifMatch }, own.version);
        const held = preconditions.ifNoneMatch;
        if (held && matchesWeakly(held, { weak: false, value: answer.tag })) {
          return { status: 304, headers: answer.headers };
        }
        return answer;
      },
    }),
    route({
      method: 'post',
      path: '/carts/{cartId}/items',
      summary: 'Add products to what is in the cart, all or none of them',
      roles: ['shopper'],
      params: z.object({ cartId }),
      headers: idempotencyHeaders,
      preconditions: 'by-handler',
      body: newItems,
      answers,
      problems: ['not-found', 'conflict', 'unprocessable', 'unavailable'],
      handle: (request) => {
        const { items } = request.body;
        const wanted = items.map((item) => item.productId);
        return change(request, wanted, (own, context, productInfo) =>
          addItems(own, items, productInfo, context),
        );
      },
    }),
    route({
      method: 'put',
      path: '/carts/{cartId}/items/{productId}',
      summary: 'Set how many of a product are in the cart; 0 takes it out',
      roles: ['shopper'],
      params: z.object({ cartId, productId }),
      headers: idempotencyHeaders,
      preconditions: 'by-handler',
      body: z.strictObject({ quantity: z.int().min(0).max(MAX_QUANTITY) }),
      answers,
      problems: ['not-found', 'conflict', 'unprocessable', 'unavailable'],
      handle: (request) => {
        const { params, body } = request;
        const wanted = body.quantity > 0 ? [params.productId] : [];
        return change(request, wanted, (own, context, productInfo) =>
          setQuantity(own, params.productId, body.quantity, productInfo, context),
        );
      },
    }),
    route({
      method: 'delete',
      path: '/carts/{cartId}/items/{productId}',
      summary: 'Take some or all of a product out of the cart',
      roles: ['shopper'],
      params: z.object({ cartId, productId }),
      query: z.object({
        quantity: wholeNumber({ min: 1, max: MAX_QUANTITY })
          .optional()
          .meta({ description: 'How many to take out; the whole line when it is left out' }),
      }),
      headers: idempotencyHeaders,
      preconditions: 'by-handler',
      answers,
      problems: ['not-found', 'conflict', 'unprocessable', 'unavailable'],
      handle: (request) =>
        change(request, [], (own, context) =>
          removeItem(own, request.params.productId, request.query.quantity, context),
        ),
    }),
    route({
      method: 'post',
      path: '/carts/{cartId}/close',
      summary: 'Close the cart, bought or abandoned; it accepts no more changes',
      roles: ['shopper'],
      params: z.object({ cartId }),
      headers: idempotencyHeaders,
      preconditions: 'by-handler',
      body: z.strictObject({ reason: z.enum(['bought', 'abandoned']) }),
      answers,
      problems: ['not-found', 'conflict', 'unprocessable', 'unavailable'],
      handle: (request) =>
        change(request, [], (own, context) => closeCart(own, request.body.reason, context)),
    }),
    route({
      method: 'delete',
      path: '/shoppers/{subject}',
      summary: 'Forget a shopper',
      description:
        'Closes the open carts as abandoned, each with its event, unlinks the person from all that was published, and makes followers delete what they store by the pseudonym. The counts stay. After a failure send the request again; it continues where it stopped.',
      roles: ['operator'],
      params: z.object({ subject: z.string().min(1).max(255) }),
      headers: idempotencyHeaders,
      answers: { 204: { description: 'The shopper is forgotten.', headers: writtenHeaders } },
      problems: ['not-found', 'conflict', 'unprocessable', 'unavailable'],
      handle: (request) =>
        idempotency.once(request, async (key) => {
          const options = { key, traceparent: request.traceparent, now: now() };
          return { ...(await store.forget(request.params.subject, options)), answer: { status: 204 } };
        }),
    }),
  ];
}

const NO_PRODUCT_INFO: ProductInfo = new Map();

const isThere = ({ items }: Cart, { productId: target }: { productId?: string }): boolean =>
  target === undefined || items.some((one) => one.productId === target);

/**
 * Whether there is anything to change. If not, the rule reports it, and preconditions are ignored, because they never
 * replace an error that occurs without them (RFC 9110, 13.2.1).
 */
const hasSomethingToChange = (
  cart: Cart,
  { params, raw }: Pick<RouteRequest<{ productId?: string }, unknown, unknown, unknown>, 'params' | 'raw'>,
) => cart.state === 'open' && (raw.method !== 'DELETE' || isThere(cart, params));

const productIdsOf = ({ items }: Cart): string[] => items.map((one) => one.productId);

function requireOwn(document: Document<Cart> | undefined, subject: string): Document<Cart> {
  if (document && document.state.owner === subject) return document;
  throw problem('not-found', 'You have no cart with this id.');
}
