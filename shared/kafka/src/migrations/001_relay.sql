-- Up Migration

-- How far each partition of a log is published to a topic: everything up to `sequence` has been acknowledged.
CREATE TABLE relay_positions (
  topic text NOT NULL,
  log text NOT NULL,
  partition int NOT NULL,
  sequence bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (topic, log, partition)
) WITH (fillfactor = 50);
