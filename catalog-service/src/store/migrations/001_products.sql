-- Up Migration

-- A product is one document, whose own version (`version`) is for its writers; the one that is answered is in its
-- state. What a conditional request is answered from lies in the primary key's index, so that it reads nothing else.
CREATE TABLE products (
  id text COLLATE "C",
  version integer NOT NULL,
  sequence bigint NOT NULL,
  state json NOT NULL,
  product_version integer NOT NULL GENERATED ALWAYS AS ((state ->> 'version')::integer) STORED,
  withdrawn boolean NOT NULL GENERATED ALWAYS AS ((state ->> 'withdrawn')::boolean) STORED,
  -- A time as text, in UTC with milliseconds, so that it sorts: to make it a timestamptz would not be immutable.
  scheduled text COLLATE "C" GENERATED ALWAYS AS (state #>> '{scheduledPrice,from}') STORED,
  category text COLLATE "C" GENERATED ALWAYS AS (state ->> 'category') STORED,
  -- The words are told apart as queries' are (search.ts), not by the parser of text search, which takes `1.5` and
  -- `a/b.html` for one word each. The collation knows the small letters of every script, whatever the database's own.
  words tsvector GENERATED ALWAYS AS (
    array_to_tsvector(
      string_to_array(
        trim(
          regexp_replace(
            lower(
              (id || ' ' || (state ->> 'name') || ' ' || coalesce(state ->> 'brand', '') || ' '
                || coalesce(state ->> 'category', '')) COLLATE "pg_c_utf8"
            ),
            '[^[:alnum:]]+', ' ', 'g'
          )
        ),
        ' '
      )
    )
  ) STORED,
  CONSTRAINT products_pkey PRIMARY KEY (id) INCLUDE (product_version, withdrawn, scheduled)
) WITH (fillfactor = 70);

CREATE INDEX products_words ON products USING gin (words) WHERE NOT withdrawn;
CREATE INDEX products_category ON products (category, id) WHERE NOT withdrawn;
CREATE INDEX products_scheduled ON products (scheduled) WHERE scheduled IS NOT NULL;
