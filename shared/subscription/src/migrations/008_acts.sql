-- Up Migration

-- What operators did (acts/acts.ts), kept for a year.
CREATE TABLE operator_acts (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  -- One row for each act, however often it is written.
  act uuid NOT NULL UNIQUE,
  at timestamptz NOT NULL DEFAULT now(),
  by text NOT NULL,
  kind text NOT NULL,
  target text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('done', 'refused', 'failed', 'incomplete')),
  result jsonb NOT NULL
);
CREATE INDEX operator_acts_at ON operator_acts (at);
