/**
 * The id of an event of `GET /changes`: where a reader stands. All that was changed by transactions up to `xid` has been
 * told, in this generation of this database.
 */
export type ChangeId = {
  /** Of the database, and of its history: a restored one has another. */
  readonly origin: string;
  /** The number of the generation. */
  readonly generation: number;
  /** The identity of a transaction that changed something. */
  readonly xid: bigint;
};

/** What a database keeps of changes, as one snapshot shows it. */
export type KeptChanges = Omit<ChangeId, 'xid'> & {
  /** The oldest transaction of which anything is kept; 0 where nothing is. */
  readonly first: bigint;
  /** The last one before which none is in progress any more; 0 where there is none. */
  readonly last: bigint;
  /** Those after `last` that have committed all the same, in ascending order, up to a limit. */
  readonly above: readonly bigint[];
};

const CHANGE_ID = /^([0-9a-f]{8})\/([0-9]{1,9})@([0-9]{1,20})$/;

/** `3f2a9c1e/2@81234` */
export const formatChangeId = ({ origin, generation, xid }: ChangeId): string =>
  `${origin}/${generation}@${xid}`;

/** Undefined for any other text. */
export function parseChangeId(text: string): ChangeId | undefined {
  const [, origin, generation, xid] = CHANGE_ID.exec(text) ?? [];
  if (origin === undefined) return undefined;
  return { origin, generation: Number(generation), xid: BigInt(xid!) };
}

/** Why a reader cannot be told all changes since its id. */
export type Lost = 'expired' | 'replaced';

/** `expired`: some have been deleted since. `replaced`: the id is of another history. Undefined: all of them are kept. */
export function lostSince(id: ChangeId | undefined, kept: KeptChanges): Lost | undefined {
  if (!id || id.origin !== kept.origin || id.generation !== kept.generation) return 'replaced';
  if (id.xid > kept.last) return 'replaced';
  return id.xid < kept.first ? 'expired' : undefined;
}

export const lastOf = ({ origin, generation, last }: KeptChanges): ChangeId => ({
  ...{ origin, generation },
  xid: last,
});

/** More changed products than these are not told one by one: a list says it shorter. */
export const MAX_PRODUCTS = 10_000;
