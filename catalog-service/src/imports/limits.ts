/** Limits for every feed. */
export type ImportLimits = {
  /** Products that are written and recorded together; a single change may have to wait for all of them (pace.ts). */
  readonly chunkRows: number;
  readonly maxLineBytes: number;
  /** Bytes of a file as it is sent, and of what a compressed one contains. */
  readonly maxBytes: number;
  readonly maxUnpackedBytes: number;
  readonly maxRedirects: number;
  readonly connectTimeoutMs: number;
  /** The longest wait for the next bytes. */
  readonly silenceTimeoutMs: number;
  /** The bytes that must arrive in each `rateWindowMs` of waiting; a slower feed gives up its slot. */
  readonly minWindowBytes: number;
  readonly rateWindowMs: number;
  /** The longest wait for a feed in all, summed over all attempts of its import. */
  readonly maxWaitMs: number;
};

export const IMPORT_LIMITS: ImportLimits = {
  chunkRows: 50,
  maxLineBytes: 65_536,
  maxBytes: 1_073_741_824,
  maxUnpackedBytes: 2_147_483_648,
  maxRedirects: 5,
  connectTimeoutMs: 10_000,
  silenceTimeoutMs: 60_000,
  minWindowBytes: 61_440,
  rateWindowMs: 60_000,
  maxWaitMs: 3_600_000,
};
