-- Counts of whole days, for questions over weeks: made once for each day that is over, by `sums.py`, and made again
-- where records come that are dated into it. They are believed only as far as they add up to the rows of the log's day.
-- Partitioned as the log is, so that a day is replaced at once. Few rows each: the columns that lists are asked by most.
CREATE TABLE IF NOT EXISTS sums_hours
(
    time      Int64 CODEC(DoubleDelta, ZSTD(1)),
    workspace LowCardinality(String),
    kind      LowCardinality(String),
    status    LowCardinality(String),
    records   UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(time, 86400000)
ORDER BY (workspace, time, kind, status)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
-- Of a day and not of an hour: there are so many customers that an hour's counts would be as many as its records.
CREATE TABLE IF NOT EXISTS sums_customers
(
    time      Int64 CODEC(DoubleDelta, ZSTD(1)),
    workspace LowCardinality(String),
    kind      LowCardinality(String),
    status    LowCardinality(String),
    customer  LowCardinality(String),
    records   UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(time, 86400000)
ORDER BY (workspace, time, customer, kind, status)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
CREATE TABLE IF NOT EXISTS sums_days
(
    time           Int64 CODEC(DoubleDelta, ZSTD(1)),
    workspace      LowCardinality(String),
    kind           LowCardinality(String),
    status         LowCardinality(String),
    type           LowCardinality(String),
    event          LowCardinality(String),
    source_product LowCardinality(String),
    target_product LowCardinality(String),
    integration    LowCardinality(String),
    flow           LowCardinality(String),
    error_type     LowCardinality(String),
    records        UInt64 CODEC(T64, ZSTD(1))
)
ENGINE = MergeTree
PARTITION BY intDiv(time, 86400000)
ORDER BY (workspace, time, kind, status, event, source_product, target_product, type, integration, flow, error_type)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1, min_rows_to_fsync_after_merge = 1;
