-- How a town is sorted. The pause stands for a table of a hundred million rows.
CREATE FUNCTION sort_key(town text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
  PERFORM pg_sleep(0.05);
  RETURN lower(town);
END $$;
--> statement-breakpoint
CREATE INDEX postcodes_by_town ON postcodes (sort_key(town));
