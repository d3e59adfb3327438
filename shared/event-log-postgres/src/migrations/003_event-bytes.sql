-- Up Migration

-- How many bytes an event's data takes as JSON. A page ends by it, so that reading one goes through no more large events than
-- it holds. Events from before have none, and neither have those that the version before writes: these are measured when they
-- are read.
ALTER TABLE event_log_events ADD COLUMN bytes integer;
