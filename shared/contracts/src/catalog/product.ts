import { moment } from '@micromart/text/moment';
import { isStorable } from '@micromart/text/storable';
import { z } from 'zod';
import { MAX_AMOUNT, money } from '../money.ts';
import { productId } from '../product-id.ts';

/**
 * A product, as it is given to the catalog and as the catalog answers it. Answers may gain fields, so they are read
 * loosely; what is written is held to exactly these.
 */

const MAX_NAME_LENGTH = 300;
const MAX_LABEL_LENGTH = 100;

/** By ranges, which every reader of the OpenAPI document understands; not every one knows `\p{Cc}`. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused.
const NO_CONTROLS = /^[^\u0000-\u001f\u007f-\u009f]*$/;

const text = (maxLength: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(maxLength)
    .regex(NO_CONTROLS, 'must not hold control characters')
    .refine(isStorable, 'must not hold halves of surrogate pairs');
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

/** What is written of a product; all that it had before gives way to it. Name and price are required. */
export const productContent = z.strictObject(content);
export type ProductContent = z.output<typeof productContent>;

/** A line of a supplier's feed: a product with its id. */
export const feedLine = z.strictObject({ id: productId, ...content });
export type FeedLine = z.output<typeof feedLine>;

/** A product as it is answered: `price` is the one in force at the time of the answer. */
export const product = z
  .object({
    id: productId,
    version: z.int().min(1).meta({ description: 'One more with every change of what is answered' }),
    name: z.string(),
    category: z.string().nullable(),
    department: z.string().nullable(),
    brand: z.string().nullable(),
    size: z.string().nullable(),
    price: money,
    scheduledPrice: z.object({ price: money, from: z.iso.datetime() }).nullable(),
    withdrawn: z.literal(true).optional().meta({ description: 'Only of a product that is sold no more' }),
  })
  .meta({ id: 'Product' });
export type Product = z.output<typeof product>;

/** The most products that one question may be about. */
export const MAX_PRODUCTS = 200;

/** The answer about a set of products: each that is known, withdrawn or not, and the ids that never were. */
export const productSet = z.object({
  items: z.array(product).meta({ description: 'Ascending by id, each once' }),
  missing: z.array(productId).meta({ description: 'Ascending, each once' }),
});
export type ProductSet = z.output<typeof productSet>;
