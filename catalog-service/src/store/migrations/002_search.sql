-- Up Migration

-- Words are told apart by the worker (search.ts), for what the database takes for letters, marks and small letters is not
-- what queries do. They are written with the product, separated by spaces, and with them by which rules, and of which
-- version of the product they are: `1170@3`. The version before writes neither, and searches by its own `words`.
ALTER TABLE products ADD COLUMN search_words text, ADD COLUMN searched_as text COLLATE "C";

-- By which rules a product's words were told apart; 0 where they are not the words of the product as it stands.
CREATE FUNCTION search_version(searched_as text, product_version integer) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN split_part(searched_as, '@', 2) = product_version::text
            THEN split_part(searched_as, '@', 1)::integer ELSE 0 END;

CREATE INDEX products_search ON products USING gin (array_to_tsvector(string_to_array(search_words, ' ')))
  WHERE NOT withdrawn;
CREATE INDEX products_search_version ON products (search_version(searched_as, product_version));
