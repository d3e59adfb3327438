-- Up Migration

-- Since when a shopper is being forgotten: no cart is opened for them meanwhile. It counts for a minute, so that nobody is
-- kept out for good by a process that died in the middle.
ALTER TABLE shoppers ADD COLUMN leaving_since timestamptz;
