-- Up Migration

-- Rows of a feed about products that it names more than once: of each product the last that was read. They are written
-- when all of the feed has been read (feed-row.ts).
CREATE TABLE held_rows (
  job bigint REFERENCES jobs (number) ON DELETE CASCADE,
  product_id text COLLATE "C",
  -- The line in the file, and how many lines about this product have been held back.
  row integer NOT NULL,
  times integer NOT NULL,
  -- Whether the product is among the job's `repeated`.
  is_counted boolean NOT NULL,
  content json NOT NULL,
  PRIMARY KEY (job, product_id)
);
CREATE INDEX held_rows_in_order ON held_rows (job, row);
