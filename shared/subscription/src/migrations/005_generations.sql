-- Up Migration

-- Generations of read models (generations/generation.ts). Each is also a subscription, of the same name: the positions and
-- the parked events of a generation are that subscription's.
CREATE TABLE generations (
  name text PRIMARY KEY,
  model text NOT NULL,
  -- Counts the generations of a model, and is never used again.
  number int NOT NULL,
  -- The shape that it was begun with: what its events were counted by.
  shape int NOT NULL,
  state text NOT NULL CHECK (state IN ('creating', 'building', 'ready', 'dropping', 'dropped')),
  -- Whether answers come from it.
  live boolean NOT NULL DEFAULT false,
  -- The generation that was live until this one was.
  predecessor text,
  requested_by text,
  requested_at timestamptz NOT NULL DEFAULT now(),
  -- Since when it is live, or was the last time; null when it never was.
  live_since timestamptz,
  room_bytes bigint,
  events_per_s double precision,
  comparison json,
  -- Why its next step fails, as long as it does.
  failure text,
  changed_at timestamptz NOT NULL DEFAULT now(),
  UNIQUE (model, number)
);
CREATE UNIQUE INDEX generations_live ON generations (model) WHERE live;
CREATE UNIQUE INDEX generations_unfinished ON generations (model) WHERE state IN ('creating', 'building');

-- A position goes no further than `hold_at` until `held_until`, so that two generations can be compared at the same place.
-- Whoever asks for it may die meanwhile, so it ends by itself.
ALTER TABLE subscription_positions ADD COLUMN hold_at bigint, ADD COLUMN held_until timestamptz;

-- What an operator has given up belongs to the log, and not to one generation: none that comes there later counts it.
CREATE TABLE discarded_events (
  model text NOT NULL,
  log text NOT NULL,
  partition int NOT NULL,
  sequence bigint NOT NULL,
  discarded_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (model, log, partition, sequence)
);

INSERT INTO discarded_events (model, log, partition, sequence, discarded_at)
  SELECT s.name, s.log, e.partition, e.sequence, COALESCE(e.resolved_at, now())
  FROM parked_events e JOIN subscriptions s ON s.name = e.subscription
  WHERE e.state = 'discarded' AND s.log IS NOT NULL;

-- By a trigger, so that a process of an earlier version writes it down too.
CREATE FUNCTION note_discarded() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    INSERT INTO discarded_events (model, log, partition, sequence)
      SELECT COALESCE(g.model, s.name), s.log, NEW.partition, NEW.sequence
      FROM subscriptions s LEFT JOIN generations g ON g.name = s.name
      WHERE s.name = NEW.subscription AND s.log IS NOT NULL
      ON CONFLICT DO NOTHING;
    RETURN NULL;
  END $$;
CREATE TRIGGER note_discarded AFTER UPDATE OF state ON parked_events
  FOR EACH ROW WHEN (NEW.state = 'discarded') EXECUTE FUNCTION note_discarded();
