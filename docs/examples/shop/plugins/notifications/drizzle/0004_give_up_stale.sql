-- News of last week is no news: what is still queued from before retries existed is not sent now.
UPDATE notifications SET status = 'failed'
WHERE status = 'queued' AND created_at < now() - interval '7 days';
