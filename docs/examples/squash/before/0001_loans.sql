CREATE TABLE "loans" ("book_id" integer NOT NULL REFERENCES "books"("id"));
--> statement-breakpoint
ALTER TABLE "books" ADD COLUMN "shelf" text;
