CREATE INDEX CONCURRENTLY counters_value ON counters (value);
