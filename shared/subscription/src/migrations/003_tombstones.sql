-- Up Migration

-- Keys that are forgotten, for as long as older events may still come with them (tombstones.ts). `heads`: by partition, the
-- sequence that the position must reach; null while it is not known.
CREATE TABLE subscription_tombstones (
  subscription text NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  key text NOT NULL,
  partition int NOT NULL,
  sequence bigint NOT NULL,
  heads json,
  PRIMARY KEY (subscription, key)
);

-- For a projection's own statements, which leave out what comes with such a key.
CREATE FUNCTION is_forgotten(its_subscription text, its_key text) RETURNS boolean LANGUAGE sql STABLE AS
  $$ SELECT its_key = '00000000-0000-0000-0000-000000000000' OR EXISTS (
       SELECT FROM subscription_tombstones WHERE subscription = its_subscription AND key = its_key) $$;
