-- Up Migration

-- The version before counts and answers meanwhile. It may lock the same tables in any order, so this waits for one of them
-- only shortly, lets go of all, and tries again: then nobody waits in a circle.
DO $$
BEGIN
  FOR attempt IN 1..300 LOOP
    BEGIN
      PERFORM set_config('lock_timeout', '200ms', true);
      LOCK TABLE counts_total, counts_by_minute, counts_by_quarter, counts_by_hour, counts_by_day IN ACCESS EXCLUSIVE MODE;
      PERFORM set_config('lock_timeout', '0', true);
      RETURN;
    EXCEPTION WHEN lock_not_available THEN
      PERFORM pg_sleep(0.1);
    END;
  END LOOP;
  RAISE EXCEPTION 'the tables of counts were in use for a minute: end what reads or locks them that long, and start again';
END $$;

-- Products in carts that were closed. The other counters get a default, for a batch's statement leaves out those that
-- nothing in it raised.
ALTER TABLE counts_total
  ALTER added SET DEFAULT 0, ALTER removed SET DEFAULT 0, ALTER units_added SET DEFAULT 0, ALTER units_removed SET DEFAULT 0,
  ADD bought bigint NOT NULL DEFAULT 0, ADD units_bought bigint NOT NULL DEFAULT 0,
  ADD abandoned bigint NOT NULL DEFAULT 0, ADD units_abandoned bigint NOT NULL DEFAULT 0;
ALTER TABLE counts_by_minute
  ALTER added SET DEFAULT 0, ALTER removed SET DEFAULT 0, ALTER units_added SET DEFAULT 0, ALTER units_removed SET DEFAULT 0,
  ADD bought bigint NOT NULL DEFAULT 0, ADD units_bought bigint NOT NULL DEFAULT 0,
  ADD abandoned bigint NOT NULL DEFAULT 0, ADD units_abandoned bigint NOT NULL DEFAULT 0;
ALTER TABLE counts_by_quarter
  ALTER added SET DEFAULT 0, ALTER removed SET DEFAULT 0, ALTER units_added SET DEFAULT 0, ALTER units_removed SET DEFAULT 0,
  ADD bought bigint NOT NULL DEFAULT 0, ADD units_bought bigint NOT NULL DEFAULT 0,
  ADD abandoned bigint NOT NULL DEFAULT 0, ADD units_abandoned bigint NOT NULL DEFAULT 0;
ALTER TABLE counts_by_hour
  ALTER added SET DEFAULT 0, ALTER removed SET DEFAULT 0, ALTER units_added SET DEFAULT 0, ALTER units_removed SET DEFAULT 0,
  ADD bought bigint NOT NULL DEFAULT 0, ADD units_bought bigint NOT NULL DEFAULT 0,
  ADD abandoned bigint NOT NULL DEFAULT 0, ADD units_abandoned bigint NOT NULL DEFAULT 0;
ALTER TABLE counts_by_day
  ALTER added SET DEFAULT 0, ALTER removed SET DEFAULT 0, ALTER units_added SET DEFAULT 0, ALTER units_removed SET DEFAULT 0,
  ADD bought bigint NOT NULL DEFAULT 0, ADD units_bought bigint NOT NULL DEFAULT 0,
  ADD abandoned bigint NOT NULL DEFAULT 0, ADD units_abandoned bigint NOT NULL DEFAULT 0;

-- From when on every close that was counted said what was in the cart. Older events do not; each moves this on.
CREATE TABLE lines_complete (since timestamptz NOT NULL);
CREATE UNIQUE INDEX lines_complete_once ON lines_complete ((true));
INSERT INTO lines_complete VALUES ('-infinity');
