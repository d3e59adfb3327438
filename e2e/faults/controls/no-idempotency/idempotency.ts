/** The control: an Idempotency-Key is read, and nothing is remembered of it. */
import type * as original from '@micromart/event-log/idempotency';
import { formatPosition } from '@micromart/events/position';

export * from '@micromart/event-log/idempotency';

export const createIdempotency: typeof original.createIdempotency = () => ({
  async once(_request, work) {
    const { answer, position } = await work(undefined);
    return {
      ...answer,
      headers: { ...answer.headers, ...(position && { position: formatPosition([position]) }) },
    };
  },
});
