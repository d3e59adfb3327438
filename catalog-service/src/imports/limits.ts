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
  /** For one reading of a file. */
  readonly totalTimeoutMs: number;
};

export const IMPORT_LIMITS: ImportLimits = {
  chunkRows: 50,
  maxLineBytes: 65_536,
  maxBytes: 1_073_741_824,
  maxUnpackedBytes: 2_147_483_648,
  maxRedirects: 5,
  connectTimeoutMs: 10_000,
  silenceTimeoutMs: 60_000,
  totalTimeoutMs: 12 * 3_600_000,
};
