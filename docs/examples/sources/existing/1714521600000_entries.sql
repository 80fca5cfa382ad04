-- Up Migration
CREATE TABLE entries (id int PRIMARY KEY, amount numeric NOT NULL);
-- Down Migration
DROP TABLE entries;
