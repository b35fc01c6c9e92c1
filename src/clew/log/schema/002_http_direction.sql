-- Whether a record's HTTP exchange came to us or went out: which calls are ours and which are others'.
ALTER TABLE log ADD COLUMN IF NOT EXISTS
    http_direction LowCardinality(String) MATERIALIZED JSONExtractString(http, 'direction') AFTER payload_bytes;
-- What was written before answers right without this, but opens the whole exchange to do so. Made in the background.
ALTER TABLE log MATERIALIZE COLUMN http_direction SETTINGS mutations_sync = 0;
