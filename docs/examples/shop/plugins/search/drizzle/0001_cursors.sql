CREATE TABLE "cursors" (
	"kind" text PRIMARY KEY NOT NULL,
	"indexed_until" timestamp with time zone NOT NULL
);
