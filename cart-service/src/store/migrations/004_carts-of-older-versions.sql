-- Up Migration

-- A version from before 002 may write beside this one: it leaves the columns to the database, which has derived them no more
-- since. So the database fills them where they are left out; what the service writes itself costs no look at the state.
CREATE FUNCTION fill_cart_columns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.shopper := NEW.state ->> 'shopper';
  NEW.open_for := CASE WHEN NEW.state ->> 'state' = 'open' THEN NEW.state ->> 'shopper' END;
  RETURN NEW;
END $$;

CREATE TRIGGER carts_fill_columns BEFORE INSERT OR UPDATE ON carts
  FOR EACH ROW WHEN (NEW.shopper IS NULL) EXECUTE FUNCTION fill_cart_columns();

-- What was written meanwhile. An open cart whose shopper has been forgotten since was not found then: it loses its owner now,
-- and nobody reaches it any more. The first assignment has the trigger pass by.
UPDATE carts c SET
  shopper = c.state ->> 'shopper',
  open_for = CASE WHEN c.state ->> 'state' = 'open' AND s.is_known THEN c.state ->> 'shopper' END,
  state = CASE WHEN s.is_known THEN c.state ELSE jsonb_set(c.state::jsonb, '{owner}', 'null')::json END
FROM (SELECT id, EXISTS (SELECT FROM shoppers WHERE key = state ->> 'shopper') AS is_known FROM carts WHERE shopper IS NULL) s
WHERE c.id = s.id;

ALTER TABLE carts ALTER COLUMN shopper SET NOT NULL;
