/** Notes on the curve: what happened at a time, to a product or to all. The one thing that shopper tracking owns. */
export type Annotation = {
  readonly id: string;
  /** RFC 3339 in UTC, as are all times here. */
  readonly at: string;
  readonly text: string;
  /** It concerns all products where this is left out. */
  readonly productId?: string | undefined;
  /** The subject of whoever wrote it. */
  readonly author: string;
  readonly writtenAt: string;
};

/** Where a page begins: behind this annotation, by time and id. */
export type AfterAnnotation = Pick<Annotation, 'at' | 'id'>;

export type AnnotationList = {
  readonly from?: Date | undefined;
  /** Excluded. */
  readonly to?: Date | undefined;
  /** Those of this product, and those that concern all. */
  readonly productId?: string | undefined;
  readonly after?: AfterAnnotation | undefined;
  readonly limit: number;
};

export const MAX_ANNOTATIONS = 10_000;
