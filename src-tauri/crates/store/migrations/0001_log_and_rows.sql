-- Facts about this database: its epoch, and the head of the audit chain.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The log. Rows are only ever added. `seq` counts over the whole log, `stream_seq` inside one stream, both from 1.
CREATE TABLE events (
    seq        INTEGER PRIMARY KEY,
    stream     TEXT    NOT NULL,
    stream_seq INTEGER NOT NULL,
    kind       TEXT    NOT NULL,
    version    INTEGER NOT NULL,
    at         INTEGER NOT NULL,
    actor      TEXT    NOT NULL,
    command    TEXT,
    cause      INTEGER,
    prev_hash  TEXT,
    body       TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_by_stream ON events (stream, stream_seq);
CREATE INDEX events_audit ON events (seq) WHERE prev_hash IS NOT NULL;

-- The read model. A deleted row stays as a tombstone, so that a subscriber that was away hears of it.
CREATE TABLE rows (
    kind    TEXT    NOT NULL,
    id      TEXT    NOT NULL,
    parent  TEXT,
    ord     TEXT    NOT NULL,
    seq     INTEGER NOT NULL,
    deleted INTEGER NOT NULL,
    body    TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX rows_by_id ON rows (kind, id);
CREATE INDEX rows_by_seq ON rows (seq);
CREATE INDEX rows_by_ord ON rows (kind, ord, id) WHERE deleted = 0;
CREATE INDEX rows_by_parent ON rows (kind, parent, ord, id) WHERE deleted = 0 AND parent IS NOT NULL;

-- What a command was answered, so that a repeated command gets the same answer.
CREATE TABLE receipts (
    command TEXT PRIMARY KEY,
    seq     INTEGER NOT NULL,
    at      INTEGER NOT NULL,
    result  TEXT    NOT NULL,
    inverse TEXT
) STRICT, WITHOUT ROWID;
CREATE INDEX receipts_by_at ON receipts (at);

-- Effects that are promised but not yet known to be done. AUTOINCREMENT: an id is never used twice.
CREATE TABLE outbox (
    id   INTEGER PRIMARY KEY AUTOINCREMENT,
    seq  INTEGER NOT NULL,
    kind TEXT    NOT NULL,
    body TEXT    NOT NULL
) STRICT;
