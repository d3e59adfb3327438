-- Up Migration

-- An index by order takes no key of more than some 2,700 bytes, and an owner that is not of this system may send longer ones;
-- an index by hash takes any.
CREATE INDEX parked_events_by_key ON parked_events USING hash (key) WHERE state = 'parked';
CREATE INDEX parked_events_in_order ON parked_events (subscription, partition, sequence) WHERE state = 'parked';
DROP INDEX parked_events_now;
