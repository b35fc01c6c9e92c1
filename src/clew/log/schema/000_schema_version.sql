-- Which of these files were applied, one row each: what opens the log applies those that are missing, in order.
CREATE TABLE IF NOT EXISTS schema_version
(
    version    UInt32,
    applied_at DateTime DEFAULT now()
)
ENGINE = MergeTree
ORDER BY version
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
