CREATE TABLE items (
  sku text PRIMARY KEY,
  price numeric NOT NULL
);
