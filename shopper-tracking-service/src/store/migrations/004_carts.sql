-- Up Migration

-- A cart from its first product on until it is closed. A number instead of a time, so that generations are compared by it.
CREATE TABLE open_carts (cart_id uuid PRIMARY KEY, started_ms bigint NOT NULL);

-- How many carts, by the quarter hours in which they were started and closed; open ones are closed at infinity.
CREATE TABLE carts_by_quarter (
  started timestamptz NOT NULL,
  closed timestamptz NOT NULL,
  open bigint NOT NULL,
  bought bigint NOT NULL,
  abandoned bigint NOT NULL,
  emptied bigint NOT NULL,
  PRIMARY KEY (started, closed)
) WITH (fillfactor = 70);
