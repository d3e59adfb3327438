import { z } from 'zod';

/**
 * The envelope of every event: CloudEvents 1.0 in its JSON format, with the `sequence`, `partitionkey` and
 * distributed-tracing (`traceparent`) extensions, and `partition`, the log's partition that `sequence` counts in.
 *
 * `sequence` is a decimal string (as its extension asks), dense and starting at "1" within a log's partition.
 * Attributes that are not named here are kept out of the result, so a producer may add some.
 */
export const envelope = z.object({
  specversion: z.literal('1.0'),
  id: z.uuid(),
  source: z.string().min(1),
  type: z.string().min(1),
  subject: z.string().min(1),
  time: z.iso.datetime(),
  datacontenttype: z.literal('application/json'),
  partitionkey: z.string().min(1),
  partition: z.int().min(0),
  sequence: z.string().regex(/^[1-9][0-9]{0,17}$/, 'a decimal number from 1'),
  traceparent: z.string().optional(),
  data: z.unknown(),
});

/** An event as it stands in a log and travels: the envelope around the producer's `data`. */
export type LoggedEvent = z.infer<typeof envelope>;

/** An event before the log has given it a place: what a pure decision returns. */
export type NewEvent = {
  readonly type: string;
  readonly subject: string;
  /** Decides the partition; events of one key stay in order. */
  readonly key: string;
  readonly time: Date;
  readonly data: unknown;
};
