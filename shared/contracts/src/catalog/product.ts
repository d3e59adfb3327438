import { moment } from '@micromart/text/moment';
import { isStorable } from '@micromart/text/storable';
import { z } from 'zod';
import { MAX_AMOUNT, money } from '../money.ts';
import { productId } from '../product-id.ts';

/**
 * A product, as the catalog receives and answers it. Answers may gain fields, so readers ignore unknown ones; a product to
 * write must have exactly these.
 */

const MAX_NAME_LENGTH = 300;
const MAX_LABEL_LENGTH = 100;

/** By ranges, which every reader of the OpenAPI document understands; not all of them know `\p{Cc}`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const text = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(NO_CONTROLS, 'must not contain control characters')
    .refine(isStorable, 'must not contain halves of surrogate pairs');
/** A word or a few, such as a category's name. */
export const label = text(MAX_LABEL_LENGTH);
const optionalLabel = label.nullable().default(null);

const givenMoney = z.strictObject({ ...money.shape, amount: money.shape.amount.max(MAX_AMOUNT) });

const content = {
  name: text(MAX_NAME_LENGTH),
  category: optionalLabel,
  department: optionalLabel,
  brand: optionalLabel,
  size: optionalLabel,
  price: givenMoney,
  scheduledPrice: z
    .strictObject({ price: givenMoney, from: moment })
    .nullable()
    .default(null)
    .meta({ description: 'Becomes the price at `from`' }),
};

/** A product to write. It replaces all that the product had before. Name and price are required. */
export const productContent = z.strictObject(content);
export type ProductContent = z.output<typeof productContent>;

/** A line of a supplier's feed: a product with its id. */
export const feedLine = z.strictObject({ id: productId, ...content });
export type FeedLine = z.output<typeof feedLine>;

/** A product in an answer: `price` is the one in force at the time of the answer. */
export const product = z
  .object({
    id: productId,
    version: z.int().min(1).meta({ description: 'Increases by one with every change of the answer' }),
    name: z.string(),
    category: z.string().nullable(),
    department: z.string().nullable(),
    brand: z.string().nullable(),
    size: z.string().nullable(),
    price: money,
    scheduledPrice: z.object({ price: money, from: z.iso.datetime() }).nullable(),
    withdrawn: z.literal(true).optional().meta({ description: 'Only for a product that is no longer sold' }),
  })
  .meta({ id: 'Product' });
export type Product = z.output<typeof product>;

/** The most products that one request may ask for. */
export const MAX_PRODUCTS = 200;

/** The answer about a set of products: each known one, withdrawn or not, and the ids that never existed. */
export const productSet = z.object({
  items: z.array(product).meta({ description: 'Ascending by id, each once' }),
  missing: z.array(productId).meta({ description: 'Ascending, each once' }),
});
export type ProductSet = z.output<typeof productSet>;
