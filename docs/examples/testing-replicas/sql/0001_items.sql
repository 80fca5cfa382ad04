CREATE TABLE items (
  sku text PRIMARY KEY,
  title text NOT NULL,
  added_at timestamptz NOT NULL DEFAULT now()
);
