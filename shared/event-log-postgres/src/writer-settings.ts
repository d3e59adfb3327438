/**
 * Session settings for the pool of a store that writes.
 *
 * What the plan settings are for: the statement always looks rows up by their keys, so one plan suits every size of
 * table. By default the server plans the statement again each time, which takes as long as executing it, or keeps a plan
 * from when the table was new, which reads all of it.
 *
 * How to take them out: delete them here. Answers stay the same.
 *
 * Which rows of bench/README.md would show it: P3, and P4 with it.
 */
const PLAN_SETTINGS = {
  plan_cache_mode: 'force_generic_plan',
  enable_seqscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  jit: 'off',
};

/**
 * Limits, which stay. Every statement has a time limit, so no connection waits for ever for another's lock: the server ends the
 * statement a little after its batch has failed by its own limit (batcher.ts). A process that freezes in the middle of a
 * transaction would keep all others from writing, so the server also ends idle transactions.
 */
const LIMITS = { statement_timeout: '12s', idle_in_transaction_session_timeout: '5s' };

export const WRITER_SETTINGS = { ...LIMITS, ...PLAN_SETTINGS };
