-- Up Migration

-- One row for each subscription: the history it stands in, and whether it is meant to run.
CREATE TABLE subscriptions (
  name text PRIMARY KEY,
  -- The identity of the owner's log; null until the first contact.
  log text,
  paused boolean NOT NULL DEFAULT false,
  stopped text CHECK (stopped IN ('source-replaced', 'too-many-parked')),
  stopped_detail text
);

-- How far it has come in each partition. `sequence` is the fence: it moves in the transaction of the effects, and only
-- from the value that the effects were worked out for. `head` and `as_of` are what the owner said of its log.
CREATE TABLE subscription_positions (
  subscription text NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  partition int NOT NULL,
  sequence bigint NOT NULL DEFAULT 0,
  head bigint NOT NULL DEFAULT 0,
  as_of timestamptz,
  -- How many of the partition's events are parked now, so that a batch need not look.
  parked int NOT NULL DEFAULT 0 CHECK (parked >= 0),
  PRIMARY KEY (subscription, partition)
) WITH (fillfactor = 50);

-- Events that could not be applied by their own fault, and the later ones of their key behind them. A resolved one
-- stays, as a record of who decided what.
CREATE TABLE parked_events (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  subscription text NOT NULL REFERENCES subscriptions ON DELETE CASCADE,
  partition int NOT NULL,
  sequence bigint NOT NULL,
  key text NOT NULL,
  -- The event's own time: an answer's As-Of stops before it.
  time timestamptz NOT NULL,
  event json NOT NULL,
  reason text NOT NULL,
  attempts int NOT NULL,
  state text NOT NULL DEFAULT 'parked' CHECK (state IN ('parked', 'retried', 'discarded')),
  parked_at timestamptz NOT NULL DEFAULT now(),
  resolved_at timestamptz,
  resolved_by text,
  UNIQUE (subscription, partition, sequence)
);
CREATE INDEX parked_events_now ON parked_events (subscription, partition, key, sequence) WHERE state = 'parked';
