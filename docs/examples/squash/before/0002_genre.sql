ALTER TABLE "books" DROP COLUMN "shelf";
--> statement-breakpoint
ALTER TABLE "books" ADD COLUMN "genre" text;
