-- Parcels older than tracking_events were packed when they were created.
INSERT INTO tracking_events (parcel_id, status, at)
SELECT id, 'packing', created_at FROM parcels
WHERE NOT EXISTS (SELECT FROM tracking_events WHERE tracking_events.parcel_id = parcels.id);
--> statement-breakpoint
INSERT INTO tracking_events (parcel_id, status)
SELECT id, status FROM parcels WHERE status <> 'packing';
