-- Up Migration

-- Why it does not go on although nobody stopped it: said by the instance that meets with it, again and again while it lasts.
ALTER TABLE subscriptions ADD COLUMN waiting text, ADD COLUMN waiting_public text,
  ADD COLUMN waiting_by text, ADD COLUMN waiting_at timestamptz;
