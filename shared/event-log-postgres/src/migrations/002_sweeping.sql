-- Up Migration

-- How far the sweeps of each table have come. Whoever sweeps holds the row, so one process at a time does; and the next
-- batch begins where the last one ended, not at the entries of deleted rows, which stay in an index until it is vacuumed.
CREATE TABLE event_log_sweeps (
  name text PRIMARY KEY,
  until timestamptz NOT NULL DEFAULT '-infinity'
) WITH (fillfactor = 50);
INSERT INTO event_log_sweeps (name) VALUES ('idempotency_keys'), ('event_log_commits');

-- By time, one row after the other. A block range index was no help here: it reads all rows of every range in which an
-- old one is left, and new rows take the room of those that were swept.
CREATE INDEX IF NOT EXISTS idempotency_keys_by_time ON idempotency_keys (at);
CREATE INDEX IF NOT EXISTS event_log_commits_by_time ON event_log_commits (at);
DROP INDEX idempotency_keys_at;
DROP INDEX event_log_commits_at;
