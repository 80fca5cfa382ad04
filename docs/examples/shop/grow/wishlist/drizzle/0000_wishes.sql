CREATE TABLE "wishes" (
	"customer_id" uuid NOT NULL,
	"product_id" uuid NOT NULL,
	"wished_at" timestamp with time zone DEFAULT now() NOT NULL,
	CONSTRAINT "wishes_customer_id_product_id_pk" PRIMARY KEY("customer_id","product_id")
);
