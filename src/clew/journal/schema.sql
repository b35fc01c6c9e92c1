-- The journal's file, format 1. Only the writer's thread changes it.

-- One line: the random name of this journal, part of every block's token.
CREATE TABLE journal (
    id TEXT NOT NULL
);

-- One row is one append, or several small ones that waited together. AUTOINCREMENT: a position is never given twice,
-- also when everything was trimmed. `total` is the sum of `count` up to here, so that a lag is a subtraction.
-- `data` comes last: what stands before it is read without it.
CREATE TABLE entry (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    time INTEGER NOT NULL,    -- milliseconds since the epoch
    count INTEGER NOT NULL,   -- lines
    total INTEGER NOT NULL,
    size INTEGER NOT NULL,    -- bytes of the lines
    codec INTEGER NOT NULL,   -- 0: as they are, 1: zstd
    data BLOB NOT NULL        -- JSON lines, each with its line end
);

-- Under which id a key was appended first.
CREATE TABLE item_key (
    key BLOB PRIMARY KEY,
    id TEXT NOT NULL,
    time INTEGER NOT NULL
) WITHOUT ROWID;

-- Trimming finds old keys by their time.
CREATE INDEX item_key_time ON item_key (time);

-- The first answer to an append as a whole: `ids` is a JSON array.
CREATE TABLE once_key (
    key BLOB PRIMARY KEY,
    fingerprint BLOB NOT NULL,
    ids TEXT NOT NULL,
    duplicates INTEGER NOT NULL,
    time INTEGER NOT NULL
) WITHOUT ROWID;

CREATE INDEX once_key_time ON once_key (time);

-- Everything up to `position` is done, everything up to `claimed` was handed out.
CREATE TABLE reader (
    name TEXT PRIMARY KEY,
    position INTEGER NOT NULL DEFAULT 0,
    claimed INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
