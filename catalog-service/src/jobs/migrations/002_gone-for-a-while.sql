-- Up Migration

-- Since when a job is gone: its id is remembered for a while too, or the table would grow for ever.
ALTER TABLE jobs_gone ADD COLUMN at timestamptz NOT NULL DEFAULT now();
CREATE INDEX jobs_gone_by_time ON jobs_gone (at);
