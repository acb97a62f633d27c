-- What of one's own went wrong: a session's index alone leads past all that went well.
CREATE INDEX executions_by_session_and_outcome
    ON executions (session, outcome, submitted_at_ms, id)
    WHERE session IS NOT NULL AND outcome <> 'exited';
