CREATE TABLE postcodes (code text PRIMARY KEY, town text NOT NULL);
--> statement-breakpoint
INSERT INTO postcodes (code, town)
SELECT lpad(number::text, 5, '0'), 'Town ' || number FROM generate_series(1, 1200) AS number;
