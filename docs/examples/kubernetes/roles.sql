-- Once for each database, by its owner or a superuser, in the database itself.
CREATE ROLE guestbook_migrate LOGIN PASSWORD 'change-me';
CREATE ROLE guestbook_app LOGIN PASSWORD 'change-me-too';

-- The migrate Job makes a schema for each plugin, and owns everything in it.
GRANT CREATE ON DATABASE guestbook TO guestbook_migrate;

-- What it makes from now on, the backend may use: the rows, and nothing else.
ALTER DEFAULT PRIVILEGES FOR ROLE guestbook_migrate GRANT USAGE ON SCHEMAS TO guestbook_app;
ALTER DEFAULT PRIVILEGES FOR ROLE guestbook_migrate
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO guestbook_app;
ALTER DEFAULT PRIVILEGES FOR ROLE guestbook_migrate GRANT USAGE ON SEQUENCES TO guestbook_app;
