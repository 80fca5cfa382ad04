CREATE TABLE items (sku text PRIMARY KEY, price int NOT NULL);
INSERT INTO items VALUES ('lamp', 40), ('rope', 3);
