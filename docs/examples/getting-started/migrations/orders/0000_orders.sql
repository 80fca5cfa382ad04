CREATE TABLE orders (
  id int PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  sku text NOT NULL,
  price int NOT NULL,
  placed_at timestamptz NOT NULL DEFAULT now()
);
