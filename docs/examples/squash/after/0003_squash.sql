-- slipway: replaces 0000_books..0002_genre
CREATE TABLE "books" ("id" integer PRIMARY KEY, "title" text NOT NULL, "genre" text);
--> statement-breakpoint
CREATE TABLE "loans" ("book_id" integer NOT NULL REFERENCES "books"("id"));
