-- Up Migration

-- Which products' totals each transaction changed, for those who want to be told. Identities of transactions are in the
-- order in which they begin to write, not in which they commit: read only what lies below the oldest one in progress as
-- complete (docs/decisions/0022-live-changes.md).
CREATE TABLE changes (
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  at timestamptz NOT NULL DEFAULT clock_timestamp(),
  product_ids text[] COLLATE "C" NOT NULL
);
CREATE INDEX changes_by_xid ON changes (xid);

-- A trigger, so that nothing is missing while a process of the version before still counts. One row for a statement, whatever
-- the number of products.
CREATE FUNCTION note_changes() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
BEGIN
  INSERT INTO changes (product_ids)
    SELECT product_ids FROM (SELECT array_agg(product_id) AS product_ids FROM changed) AS all_changed
    WHERE product_ids IS NOT NULL;
  RETURN NULL;
END $$;

CREATE TRIGGER inserts_noted AFTER INSERT ON counts_total REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_changes();
CREATE TRIGGER updates_noted AFTER UPDATE ON counts_total REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION note_changes();

-- Never empty: the oldest row says how far back changes are kept. This one stands before all transactions (3 is the first
-- identity of a server), so it is settled even while an older one is in progress anywhere on the server.
INSERT INTO changes (xid, product_ids) VALUES ('3', '{}');
