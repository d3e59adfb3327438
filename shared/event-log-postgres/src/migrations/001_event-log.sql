-- Up Migration

-- The log's identity: one row. A new database is a new history, so it gets a new name.
CREATE TABLE event_log (
  the_only boolean PRIMARY KEY DEFAULT true CHECK (the_only),
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

-- Each partition's last sequence. Writers lock these rows until they commit: that makes sequences dense and puts them
-- in commit order.
CREATE TABLE event_log_heads (
  partition smallint PRIMARY KEY,
  last bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

CREATE TABLE event_log_events (
  partition smallint NOT NULL,
  sequence bigint NOT NULL,
  id uuid NOT NULL,
  type text NOT NULL,
  subject text NOT NULL,
  key text NOT NULL,
  time timestamptz NOT NULL,
  traceparent text,
  data json NOT NULL,
  PRIMARY KEY (partition, sequence)
);

-- Which writes were committed, and from which heads, for a writer whose connection died before it was told; and, not
-- `written`, which never were and never can be any more.
CREATE TABLE event_log_commits (
  id uuid PRIMARY KEY,
  written boolean NOT NULL,
  partitions smallint[],
  heads bigint[],
  at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX event_log_commits_at ON event_log_commits USING brin (at);

-- Answers of requests that carried an Idempotency-Key, written with the change that they answer.
CREATE TABLE idempotency_keys (
  scope text NOT NULL,
  key text NOT NULL,
  fingerprint text NOT NULL,
  answer json NOT NULL,
  partition smallint,
  sequence bigint,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_at ON idempotency_keys USING brin (at);
