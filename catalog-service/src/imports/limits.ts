/** What a feed may take up, whoever serves it. */
export type ImportLimits = {
  /** Products that are written together and recorded; a single change may have to wait for so many (pace.ts). */
  readonly chunkRows: number;
  readonly maxLineBytes: number;
  /** Of a file as it is sent; and of what comes out of a compressed one. */
  readonly maxBytes: number;
  readonly maxUnpackedBytes: number;
  readonly maxRedirects: number;
  readonly connectTimeoutMs: number;
  /** For the next bytes to arrive, while they are waited for. */
  readonly silenceTimeoutMs: number;
  /** The bytes that have to come in each `rateWindowMs` of waiting for them; a feed that drips gives up its place. */
  readonly minWindowBytes: number;
  readonly rateWindowMs: number;
  /** For which a feed may be waited for in all, by all attempts of its import together. */
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
