-- Up Migration

CREATE TABLE counted (key text PRIMARY KEY, times bigint NOT NULL DEFAULT 0, units bigint NOT NULL DEFAULT 0);
CREATE TABLE counted_lately (key text PRIMARY KEY, times bigint NOT NULL DEFAULT 0);
