CREATE SCHEMA "reporting";
--> statement-breakpoint
CREATE TABLE "sales" (
	"id" integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "sales_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 2147483647 START WITH 1 CACHE 1),
	"day" date NOT NULL,
	"cents" integer NOT NULL
);
--> statement-breakpoint
CREATE VIEW "reporting"."sales_by_day" AS (select "day", sum("cents")::int as "cents" from "sales" group by "sales"."day");