-- Up Migration

-- A job is a row from its acceptance on, written in the transaction that hands its first delivery to the queue. Numbers
-- follow the order of acceptance: a job that was accepted after another had been answered has the larger one.
CREATE TABLE jobs (
  number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  id uuid NOT NULL UNIQUE,
  request json NOT NULL,
  kind text NOT NULL GENERATED ALWAYS AS (request ->> 'kind') STORED
    CHECK (kind IN ('put', 'withdraw', 'import')),
  subject text NOT NULL,
  traceparent text,
  accepted_at timestamptz NOT NULL DEFAULT now(),

  -- The queue's delivery that may carry this job out; others bring nothing.
  delivery uuid NOT NULL UNIQUE,
  state text NOT NULL DEFAULT 'queued'
    CHECK (state IN ('queued', 'active', 'done', 'failed', 'cancelled')),
  -- How often a worker has taken it: the newest claim is the one whose writes count.
  claims integer NOT NULL DEFAULT 0,
  -- Claims in a row, and failures in a row, that brought the job no further.
  fruitless_claims integer NOT NULL DEFAULT 0,
  failures integer NOT NULL DEFAULT 0,
  cancel_requested boolean NOT NULL DEFAULT false,
  started_at timestamptz,
  finished_at timestamptz,

  progress json,
  rejected_rows jsonb NOT NULL DEFAULT '[]',
  result json,
  position text,
  error json
);

-- A queue that is made anew goes on above every number of the one before, or the catalog would take its jobs for old.
SELECT setval(pg_get_serial_sequence('jobs', 'number'), (extract(epoch FROM now()) * 1000)::bigint);

CREATE INDEX jobs_by_state ON jobs (state, number);
CREATE INDEX jobs_finished ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- What is left of jobs that are kept no longer: that they were.
CREATE TABLE jobs_gone (id uuid PRIMARY KEY);

-- All that the API may change of a job: a queued one is cancelled here and now, an active one by its worker. Answers
-- whether there was anything to cancel.
CREATE FUNCTION cancel_job(wanted uuid) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
  WITH asked AS (
    UPDATE public.jobs SET
      cancel_requested = true,
      state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END,
      finished_at = CASE state WHEN 'queued' THEN now() END
    WHERE id = wanted AND state IN ('queued', 'active')
    RETURNING 1)
  SELECT EXISTS (SELECT FROM asked)
$$;
REVOKE ALL ON FUNCTION cancel_job(uuid) FROM PUBLIC;
