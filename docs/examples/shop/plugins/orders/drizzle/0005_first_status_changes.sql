-- Orders older than status_changes were placed when they were created.
INSERT INTO status_changes (order_id, status, changed_at)
SELECT id, 'placed', created_at FROM orders
WHERE NOT EXISTS (SELECT FROM status_changes WHERE status_changes.order_id = orders.id);
--> statement-breakpoint
UPDATE orders SET updated_at = changes.last_change
FROM (SELECT order_id, max(changed_at) AS last_change FROM status_changes GROUP BY order_id) AS changes
WHERE changes.order_id = orders.id;
