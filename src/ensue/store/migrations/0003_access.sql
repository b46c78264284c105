-- The secret itself is nowhere. Of links and sessions, `parent` is the token that they were made with.
CREATE TABLE tokens (
    hash {text} PRIMARY KEY,
    id {text} NOT NULL,
    purpose {text} NOT NULL,
    subject TEXT NOT NULL,
    subject_groups TEXT NOT NULL,
    description TEXT NOT NULL,
    parent {text} NOT NULL,
    created_by TEXT NOT NULL,
    created_at {big} NOT NULL,
    expires_at {big}
) {without_rowid};
CREATE UNIQUE INDEX tokens_id ON tokens (id);
CREATE INDEX tokens_expired ON tokens (expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX tokens_parent ON tokens (parent) WHERE parent <> '';

-- The audit log as a chain: a row gets a position and a link, the hash of itself and the link before, when it is sealed.
ALTER TABLE audit ADD COLUMN position {big};
ALTER TABLE audit ADD COLUMN link TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX audit_position ON audit (position) WHERE position IS NOT NULL;
CREATE INDEX audit_unsealed ON audit (seq) WHERE position IS NULL;

-- One row: the last that was sealed, and the last that retention deleted.
CREATE TABLE audit_chain (
    id SMALLINT PRIMARY KEY,
    head_position {big} NOT NULL,
    head_link TEXT NOT NULL,
    start_position {big} NOT NULL,
    start_link TEXT NOT NULL
) {without_rowid};
