CREATE TABLE vouchers (
  code text PRIMARY KEY,
  cents integer NOT NULL CHECK (cents > 0),
  created_at timestamptz NOT NULL DEFAULT now()
);
