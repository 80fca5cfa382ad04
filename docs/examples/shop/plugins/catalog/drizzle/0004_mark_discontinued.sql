-- Before the status existed, people wrote it into the description.
UPDATE products SET status = 'discontinued', updated_at = now()
WHERE description ILIKE 'discontinued%' AND status <> 'discontinued';
--> statement-breakpoint
INSERT INTO price_changes (product_id, price_cents, status, changed_at)
SELECT id, price_cents, status, created_at FROM products
WHERE NOT EXISTS (SELECT FROM price_changes WHERE price_changes.product_id = products.id);
