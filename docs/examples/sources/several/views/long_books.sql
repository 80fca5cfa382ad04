DROP VIEW IF EXISTS long_books;
--> statement-breakpoint
CREATE VIEW long_books AS SELECT id, title FROM books WHERE words > 3;
