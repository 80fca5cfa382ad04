-- migrate:up
INSERT INTO visits VALUES ('/', 1);

-- migrate:down
DELETE FROM visits WHERE page = '/';
