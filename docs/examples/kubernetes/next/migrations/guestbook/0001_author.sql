-- Release 1.4.0 goes on while this runs, and after it: it does not know the column, and the default fills it.
ALTER TABLE entries ADD COLUMN author text NOT NULL DEFAULT 'unknown';
