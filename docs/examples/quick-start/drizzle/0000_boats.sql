CREATE TABLE "boats" (
	"id" serial PRIMARY KEY,
	"name" text NOT NULL
);
