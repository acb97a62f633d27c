-- The read models. Everything here can be made again from the log (`runlog projector rebuild`),
-- except what has left the log since.
--
-- Nothing names its schema: the search path says whether these are the live tables (`runlog`)
-- or those of a rebuild. Times are milliseconds since 1970, sequences are those of the stream
-- EXECUTIONS.

CREATE TABLE executions (
    id uuid PRIMARY KEY,
    session text,
    language text NOT NULL,
    -- interactive, api, background
    priority text NOT NULL,
    -- queued, running, ended
    state text NOT NULL,
    -- The outcome's kind (exited, time_limit, ...); null until it ended.
    outcome text,
    -- The program's exit code, where the outcome is exited.
    exit_code integer,
    -- How many attempts have begun.
    attempts integer NOT NULL,
    submitted_at_ms bigint NOT NULL,
    -- Of the last attempt.
    started_at_ms bigint,
    ended_at_ms bigint,
    -- When it expires in the queue; null unless queued.
    queue_deadline_ms bigint,
    -- The event that accepted it, and the last event about it.
    first_sequence bigint NOT NULL,
    last_sequence bigint NOT NULL,
    -- The execution as folded from the log. Not jsonb, which refuses texts that contain NUL.
    execution json NOT NULL
);

-- For the history: newest first, page by page, alone or with one filter in front. Ascending, and
-- read backwards, since new rows then go to the right edge of the tree. The states and outcomes
-- that nearly all rows have in the end are found through the first one.
CREATE INDEX executions_by_time ON executions (submitted_at_ms, id);
CREATE INDEX executions_by_session ON executions (session, submitted_at_ms, id)
    WHERE session IS NOT NULL;
CREATE INDEX executions_by_language ON executions (language, submitted_at_ms, id);
CREATE INDEX executions_by_state ON executions (state, submitted_at_ms, id)
    WHERE state <> 'ended';
CREATE INDEX executions_by_outcome ON executions (outcome, submitted_at_ms, id)
    WHERE outcome <> 'exited';

-- For the expiry sweep.
CREATE INDEX executions_to_expire ON executions (queue_deadline_ms)
    WHERE queue_deadline_ms IS NOT NULL;

CREATE TABLE submissions (
    id uuid PRIMARY KEY,
    -- zstd of the event `submitted` as it stands in the log.
    body bytea NOT NULL
);
ALTER TABLE submissions ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE TABLE recordings (
    id uuid PRIMARY KEY,
    -- The attempt that ended the execution.
    attempt integer NOT NULL,
    -- What stands in the body: chunks, and bytes that the compiler and the program wrote.
    chunks bigint NOT NULL,
    bytes bigint NOT NULL,
    -- Whether that is all of it, with the lengths and hashes that the terminal event names.
    complete boolean NOT NULL,
    -- What is missing, in words, where it is not complete.
    problem text,
    -- zstd of JSON lines, each a batch of chunks, in order and without repetitions.
    body bytea NOT NULL
);
ALTER TABLE recordings ALTER COLUMN body SET STORAGE EXTERNAL;

-- Executions that ended and whose recording is still to be stored.
CREATE TABLE recordings_due (
    id uuid PRIMARY KEY
);

-- How far a projector has read. Moves in the transaction of the rows it wrote.
CREATE TABLE projector_checkpoints (
    projector text PRIMARY KEY,
    last_sequence bigint NOT NULL
);
INSERT INTO projector_checkpoints (projector, last_sequence) VALUES ('executions', 0);
