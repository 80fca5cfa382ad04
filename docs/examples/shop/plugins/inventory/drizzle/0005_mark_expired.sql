-- Until now a reservation whose time was over was called released.
UPDATE reservations SET status = 'expired' WHERE status = 'released' AND expires_at < now();
