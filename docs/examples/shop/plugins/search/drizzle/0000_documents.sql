CREATE TABLE "documents" (
	"kind" text NOT NULL,
	"reference" text NOT NULL,
	"title" text NOT NULL,
	"body" text NOT NULL,
	CONSTRAINT "documents_kind_reference_pk" PRIMARY KEY("kind","reference")
);
