CREATE TABLE counters (name text PRIMARY KEY, value bigint NOT NULL DEFAULT 0);

INSERT INTO counters (name) VALUES ('visits');
