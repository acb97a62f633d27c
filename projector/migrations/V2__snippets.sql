-- Programs that were shared. Their links work for good, so they outlive the stream SNIPPETS.

CREATE TABLE snippets (
    -- Its 128 random bits.
    id uuid PRIMARY KEY,
    -- Of its event in the stream SNIPPETS. Written in order: the greatest one says how far the
    -- stream has been folded.
    sequence bigint NOT NULL,
    -- The execution whose recording is shown beside it; that recording is kept as long as this row.
    execution_id uuid,
    -- zstd of the event `created` as it stands in the log.
    body bytea NOT NULL
);
ALTER TABLE snippets ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE INDEX snippets_by_sequence ON snippets (sequence);
CREATE INDEX snippets_by_execution ON snippets (execution_id) WHERE execution_id IS NOT NULL;
