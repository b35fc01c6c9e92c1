-- How often each value of a column occurs on a day that is over: made with the counts of `003_sums.sql` and believed by
-- the same rule. From these a list knows on which days it need not look. The row of no column counts all records.
CREATE TABLE IF NOT EXISTS sums_values
(
    time      Int64 CODEC(DoubleDelta, ZSTD(1)),
    workspace LowCardinality(String),
    name      LowCardinality(String),
    value     String CODEC(ZSTD(1)),
    records   UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(time, 86400000)
ORDER BY (workspace, time, name, value)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
