ALTER TABLE vouchers ADD COLUMN expires_at timestamptz;
--> statement-breakpoint
-- The vouchers that are there already expire a year after they were made.
UPDATE vouchers
SET expires_at = create_at + interval '1 year'
WHERE expires_at IS NULL;
--> statement-breakpoint
ALTER TABLE vouchers ALTER COLUMN expires_at SET NOT NULL;
