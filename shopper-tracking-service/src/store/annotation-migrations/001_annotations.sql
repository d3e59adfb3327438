-- Up Migration

-- What shopper tracking owns: no event brings it, so it is no part of any generation of the read model.
CREATE TABLE annotations (
  id uuid PRIMARY KEY,
  at timestamptz NOT NULL,
  text text NOT NULL,
  product_id text COLLATE "C",
  author text NOT NULL,
  written_at timestamptz NOT NULL
);
CREATE INDEX annotations_at ON annotations (at, id);

-- What a request with an Idempotency-Key was answered.
CREATE TABLE annotation_keys (
  scope text COLLATE "C" NOT NULL,
  key text COLLATE "C" NOT NULL,
  fingerprint text NOT NULL,
  answer json NOT NULL,
  at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (scope, key)
);
CREATE INDEX annotation_keys_at ON annotation_keys (at);
