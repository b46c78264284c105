-- The names of parameters of a run that hold sensitive outputs of the run around it, as a JSON list; NULL: none.
ALTER TABLE runs ADD COLUMN sensitive_parameters TEXT;
