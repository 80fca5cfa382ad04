CREATE TABLE "entries" (
  "id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
  "words" text NOT NULL
);
