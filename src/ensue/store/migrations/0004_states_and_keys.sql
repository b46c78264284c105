-- What somebody outside told a step of a run: a JSON object for each.
CREATE TABLE step_states (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    state TEXT NOT NULL,
    changed_at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step)
) {without_rowid};

-- Of two requests with the same key one makes a token. The key is hashed with its sender.
ALTER TABLE tokens ADD COLUMN request_key {text};
ALTER TABLE tokens ADD COLUMN request_digest {text};
CREATE UNIQUE INDEX tokens_request_key ON tokens (request_key) WHERE request_key IS NOT NULL;
