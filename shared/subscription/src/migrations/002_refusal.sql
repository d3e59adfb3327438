-- Up Migration

-- Fails with the SQLSTATE that it is given: what lets a statement stop a transaction that was sent as a whole.
CREATE FUNCTION refuse_transaction(code text, reason text) RETURNS boolean LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION USING ERRCODE = code, MESSAGE = reason; END $$;
