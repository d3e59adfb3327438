/** An event that is or was parked, and the columns that it is read from. */
export type ParkedState = 'parked' | 'retried' | 'discarded';

export type ParkedEvent = {
  readonly id: string;
  readonly subscription: string;
  readonly partition: number;
  readonly sequence: number;
  readonly key: string;
  /** As it was received; it need not be a valid event. */
  readonly event: unknown;
  readonly reason: string;
  readonly attempts: number;
  readonly state: ParkedState;
  readonly parkedAt: Date;
  readonly resolvedAt: Date | null;
  readonly resolvedBy: string | null;
};

export const PARKED_COLUMNS = `id::text, subscription, partition, sequence, key, event, reason, attempts, state,
  parked_at AS "parkedAt", resolved_at AS "resolvedAt", resolved_by AS "resolvedBy"`;
