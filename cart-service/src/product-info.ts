import type { Product } from '@micromart/contracts/catalog/product';
import { problem } from '@micromart/http/problem';
import type { ProductCopy } from '@micromart/product-copies/compose';

/**
 * What the catalog says about products, by id. An absent id means that nothing is known, because the catalog is
 * unavailable.
 */
export type ProductInfo = ReadonlyMap<string, ProductCopy>;

/** A product that is on sale. */
export type ProductOnSale = Pick<Product, 'name' | 'price'>;

/**
 * Name and price of a product. Throws `unprocessable` if it is not on sale, and `unavailable` if this is unknown.
 */
export function requireOnSale(productId: string, productInfo: ProductInfo): ProductOnSale {
  const copy = productInfo.get(productId);
  if (!copy) {
    throw problem(
      'unavailable',
      `The catalog does not answer, and nothing recent enough is known of product ${productId}. Nothing was added; try again in a moment.`,
    );
  }
  if (copy.state === 'missing') {
    throw problem('unprocessable', `The catalog knows no product ${productId}. Nothing was added.`);
  }
  if (copy.product.withdrawn) {
    throw problem('unprocessable', `Product ${productId} is no longer sold. Nothing was added.`);
  }
  return copy.product;
}
