-- Recordings that are large also when compressed stand in the object store RECORDINGS.

-- The object's name, which stands for its content; the body is empty then.
ALTER TABLE recordings ADD COLUMN object text;
