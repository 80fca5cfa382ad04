-- Old debts become overdue without a reminder: nobody is to get a hundred letters in one night.
UPDATE invoices SET status = 'overdue' WHERE status = 'open' AND due_at < now();
--> statement-breakpoint
INSERT INTO reminders (invoice_id, sent_at)
SELECT id, due_at FROM invoices
WHERE status = 'overdue'
  AND NOT EXISTS (SELECT FROM reminders WHERE reminders.invoice_id = invoices.id);
