-- Events of closed streams that were taken out of `events`: one row for each page, in the order of the stream. Events
-- of the audit trail and the newest event of a stream are never here. `body` is raw deflate over one JSON object for
-- each event and line; `bytes` and `sha256` are those of the lines. Without a body the page was pruned: the row is
-- left as a tombstone, so that a reader hears of the hole.
CREATE TABLE archive (
    stream           TEXT    NOT NULL,
    first_stream_seq INTEGER NOT NULL,
    last_stream_seq  INTEGER NOT NULL,
    first_seq        INTEGER NOT NULL,
    last_seq         INTEGER NOT NULL,
    events           INTEGER NOT NULL,
    bytes            INTEGER NOT NULL,
    sha256           TEXT    NOT NULL,
    body             BLOB
) STRICT;
CREATE UNIQUE INDEX archive_by_stream ON archive (stream, last_stream_seq);
CREATE INDEX archive_by_seq ON archive (last_seq, first_seq);
