import type { ChangeStore, IdempotencyKey } from '@micromart/event-log/change-store';
import type { Annotation, AnnotationList } from '../annotation.ts';

/** Shopper tracking's annotations, by their time and id. */
export type AnnotationStore = Pick<ChangeStore<unknown>, 'replay'> & {
  list(list: AnnotationList): Promise<Annotation[]>;
  /**
   * Adds an annotation, and in the same transaction what its request is answered under its key. Rejects with `unprocessable`
   * when there are 10,000 already; with the database's error for a key that is taken, which `replay` explains.
   */
  add(annotation: Annotation, answer: unknown, key: IdempotencyKey | undefined): Promise<void>;
  /** Whether it was there. */
  remove(id: string): Promise<boolean>;
};
