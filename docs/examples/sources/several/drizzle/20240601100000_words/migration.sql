ALTER TABLE books ADD COLUMN words int;--> statement-breakpoint
UPDATE books SET words = cardinality(string_to_array(body, ' '));
