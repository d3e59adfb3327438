-- Up Migration

-- For the days and hours of time zones that are half an hour or a quarter away from UTC's.
CREATE TABLE counts_by_quarter (LIKE counts_by_minute INCLUDING ALL) WITH (fillfactor = 70);

-- From when on quarter hours are complete. What was counted before this migration has none; a read model that is built
-- anew has all of them.
CREATE TABLE quarters_complete (since timestamptz NOT NULL);
CREATE UNIQUE INDEX quarters_complete_once ON quarters_complete ((true));

-- While a process of the version before still counts, quarter hours are not complete yet. Such a process writes hours and
-- no quarters in its transaction. Its events may have come from a clock that is ahead, by less than six hours.
CREATE FUNCTION note_quarters() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('shopper_tracking.quarters', 'counted', true);
  RETURN NULL;
END $$;

CREATE FUNCTION miss_quarters() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  complete timestamptz := date_trunc('hour', statement_timestamp(), 'UTC') + interval '7 hours';
BEGIN
  IF current_setting('shopper_tracking.quarters', true) IS DISTINCT FROM 'counted' THEN
    EXECUTE format('UPDATE %I.quarters_complete SET since = $1 WHERE since < $1', TG_TABLE_SCHEMA) USING complete;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER quarters_counted BEFORE INSERT ON counts_by_quarter
  FOR EACH STATEMENT EXECUTE FUNCTION note_quarters();
CREATE TRIGGER quarters_missed AFTER INSERT ON counts_by_hour
  FOR EACH STATEMENT EXECUTE FUNCTION miss_quarters();

-- Last, since the triggers' locks let nobody else write from now on.
INSERT INTO quarters_complete
  SELECT coalesce(max(bucket) + interval '1 hour', '-infinity') FROM counts_by_hour;
