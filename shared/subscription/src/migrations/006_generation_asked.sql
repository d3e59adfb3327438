-- Up Migration

-- When the live generation was last asked, noted about once a second while another one is built: a rebuild then takes less.
ALTER TABLE generations ADD COLUMN asked_at timestamptz;
