-- Up Migration
INSERT INTO entries VALUES (1, 100);
-- Down Migration
DELETE FROM entries WHERE id = 1;
