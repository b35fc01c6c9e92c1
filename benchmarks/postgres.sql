-- The log as a plain table, with the indexes that one would give it. The payload is text: it must come back as it came.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE TABLE log
(
    id             text COLLATE "C" NOT NULL,
    time           bigint NOT NULL,
    workspace      text NOT NULL,
    kind           text NOT NULL,
    type           text NOT NULL,
    event          text NOT NULL,
    source_product text NOT NULL,
    target_product text NOT NULL,
    direction      text NOT NULL,
    action         text NOT NULL,
    status         text NOT NULL,
    message        text NOT NULL,
    customer       text NOT NULL,
    integration    text NOT NULL,
    connection     text NOT NULL,
    source         text NOT NULL,
    trace_id       text NOT NULL,
    parent_id      text NOT NULL,
    keys           jsonb NOT NULL,
    parameters     text NOT NULL,
    payload        text NOT NULL,
    content_type   text NOT NULL,
    http           jsonb,
    error          jsonb,
    duration_ms    bigint,
    PRIMARY KEY (id)
);
CREATE INDEX by_time ON log (workspace, time, id);
CREATE INDEX by_customer ON log (workspace, customer, time, id);
CREATE INDEX by_kind ON log (workspace, kind, time, id);
CREATE INDEX by_failure ON log (workspace, time, id) WHERE status = 'failure';
CREATE INDEX by_source ON log (workspace, source_product, status, time, id);
CREATE INDEX by_trace ON log (trace_id);
CREATE INDEX by_key ON log USING gin (keys jsonb_path_ops);
CREATE INDEX by_word ON log USING gin (to_tsvector('simple', message || E'\n' || parameters || E'\n' || payload));
CREATE INDEX by_message ON log USING gin (message gin_trgm_ops);
