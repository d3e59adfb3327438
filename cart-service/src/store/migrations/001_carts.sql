-- Up Migration

-- Who is who: a shopper's pseudonym in events. Deleting the row unlinks the person from everything that was published.
CREATE TABLE shoppers (
  subject text PRIMARY KEY,
  key text NOT NULL UNIQUE
);

-- A cart is one document. `sequence` is that of its last event in the log.
CREATE TABLE carts (
  id text COLLATE "C" PRIMARY KEY,
  version integer NOT NULL,
  sequence bigint NOT NULL,
  state json NOT NULL,
  shopper text GENERATED ALWAYS AS (state ->> 'shopper') STORED,
  -- An open cart must belong to a shopper who is known, so that none can be opened for one who is being forgotten.
  open_for text GENERATED ALWAYS AS (CASE WHEN state ->> 'state' = 'open' THEN state ->> 'shopper' END) STORED
    CONSTRAINT carts_open_for_known_shopper REFERENCES shoppers (key)
) WITH (fillfactor = 70);

CREATE INDEX carts_shopper ON carts (shopper);
CREATE INDEX carts_open_for ON carts (open_for) WHERE open_for IS NOT NULL;
