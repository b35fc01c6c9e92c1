-- The log: one row a record. Columns bear the names of `Record`'s fields and have its defaults, so that the journal's
-- JSON lines are inserted as they are: `FORMAT JSONEachRow`, no work in Python for any row.
CREATE TABLE IF NOT EXISTS log
(
    -- The order of the log is (time, id), the id compared as text. The type UUID sorts by its second half first, so the
    -- id is kept as its text: 36 characters, about 14 bytes on disk.
    id               FixedString(36) CODEC(ZSTD(1)),
    -- Milliseconds since the epoch. Not DateTime64: a JSON integer put into one is read as seconds and saturates.
    time             Int64 CODEC(DoubleDelta, ZSTD(1)),

    -- Few distinct values each: a dictionary and one or two bytes a row.
    workspace        LowCardinality(String),
    kind             LowCardinality(String),
    type             LowCardinality(String),
    event            LowCardinality(String),
    source_product   LowCardinality(String),
    target_product   LowCardinality(String),
    direction        LowCardinality(String),
    action           LowCardinality(String),
    status           LowCardinality(String) DEFAULT 'info',
    state            LowCardinality(String),
    customer         LowCardinality(String),
    integration      LowCardinality(String),
    connection       LowCardinality(String),
    source           LowCardinality(String),
    flow             LowCardinality(String),
    flow_version     LowCardinality(String),
    node             LowCardinality(String),
    payload_encoding LowCardinality(String) DEFAULT 'utf-8',
    content_type     LowCardinality(String),

    message          String CODEC(ZSTD(1)),
    trace_id         String CODEC(ZSTD(1)),
    parent_id        String CODEC(ZSTD(1)),
    sender_id        String CODEC(ZSTD(1)),
    duplicate_of     String CODEC(ZSTD(1)),
    keys             Map(LowCardinality(String), String) CODEC(ZSTD(1)),
    -- JSON text and bodies as they came: never parsed here, so nothing of them can change.
    parameters       String CODEC(ZSTD(1)),
    payload          String CODEC(ZSTD(1)),
    error            String CODEC(ZSTD(1)),
    http             String CODEC(ZSTD(1)),
    logs             String CODEC(ZSTD(1)),
    redacted         Array(String) CODEC(ZSTD(1)),
    duration_ms      Nullable(Int64) CODEC(ZSTD(1)),

    -- What lists show of the bodies, taken out once, so that a list never reads a body.
    payload_bytes    UInt64 MATERIALIZED length(payload) CODEC(T64, ZSTD(1)),
    http_method      LowCardinality(String) MATERIALIZED JSONExtractString(http, 'method'),
    http_url         String MATERIALIZED JSONExtractString(http, 'url') CODEC(ZSTD(1)),
    http_status      Int64 MATERIALIZED JSONExtractInt(http, 'status_code') CODEC(T64, ZSTD(1)),
    error_type       LowCardinality(String) MATERIALIZED JSONExtractString(error, 'type'),
    error_message    String MATERIALIZED JSONExtractString(error, 'message') CODEC(ZSTD(1)),

    -- Needles: a few rows of many. A bloom filter of 1 % false answers skips nearly every granule.
    INDEX by_trace trace_id TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_key_value mapValues(keys) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_key_name mapKeys(keys) TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_customer customer TYPE set(0) GRANULARITY 1,
    INDEX by_failure (source_product, status, event) TYPE set(0) GRANULARITY 4,
    -- Words of message, parameters and payload in one index: one look-up a word and 2 % fewer bytes than three indexes.
    -- It is on the expression itself and the question asks that same expression: with the index's own `preprocessor` the
    -- answer would depend on whether the index was used. `005_indexes.sql` has the expression of today.
    INDEX words lower(concat(message, '\n', parameters, '\n', payload)) TYPE text(tokenizer = 'splitByNonAlpha')
)
ENGINE = MergeTree
-- A day: retention drops whole partitions, and a window of time opens few.
PARTITION BY intDiv(time, 86400000)
ORDER BY (workspace, time, id)
SETTINGS
    -- A list shows 50 records from as many places, a row of 33 columns from each: what must be read and unpacked for one
    -- is an eighth of what it is with 8,192 rows a mark and blocks of 64 KiB, for 1 % more bytes.
    index_granularity = 1024,
    min_compress_block_size = 8192,
    -- An insert that was answered is on disk, its directory entry too, and a merge never replaces it by unwritten bytes.
    fsync_after_insert = 1,
    fsync_part_directory = 1,
    min_rows_to_fsync_after_merge = 1,
    -- How many parts' tokens are remembered. A block leaves one for each day in it, so this is 100 blocks of 100 days.
    non_replicated_deduplication_window = 10000,
    -- Small parts keep their columns in one file: fewer files to sync for a small insert.
    min_bytes_for_wide_part = 10485760;
