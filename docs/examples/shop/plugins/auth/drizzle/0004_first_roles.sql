-- Every account that is older than role_changes gets the entry it would have had.
INSERT INTO role_changes (user_id, role, changed_at)
SELECT id, role, created_at FROM users
WHERE NOT EXISTS (SELECT FROM role_changes WHERE role_changes.user_id = users.id);
