-- The names of outputs of a run that hold sensitive outputs of its steps, as a JSON list; NULL: none.
ALTER TABLE runs ADD COLUMN sensitive TEXT;
