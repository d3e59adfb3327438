-- Up Migration

-- Counters are updated in place all the time: no index on them and room in each page, so that an update touches no
-- index (a heap-only tuple).
CREATE TABLE counts_total (
  product_id text COLLATE "C" PRIMARY KEY,
  added bigint NOT NULL,
  removed bigint NOT NULL,
  units_added bigint NOT NULL,
  units_removed bigint NOT NULL
) WITH (fillfactor = 50);

-- The bucket comes first in the key: all products of a window lie together, and new rows go to the index's right end.
CREATE TABLE counts_by_minute (
  bucket timestamptz NOT NULL,
  product_id text COLLATE "C" NOT NULL,
  added bigint NOT NULL,
  removed bigint NOT NULL,
  units_added bigint NOT NULL,
  units_removed bigint NOT NULL,
  PRIMARY KEY (bucket, product_id)
) WITH (fillfactor = 70);

CREATE TABLE counts_by_hour (LIKE counts_by_minute INCLUDING ALL) WITH (fillfactor = 70);
CREATE TABLE counts_by_day (LIKE counts_by_minute INCLUDING ALL) WITH (fillfactor = 70);
