-- What lets an attempt speak for itself while it runs; the secret is nowhere. A later attempt takes the row over.
CREATE TABLE attempt_tokens (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    attempt {big} NOT NULL,
    hash {text} NOT NULL,
    PRIMARY KEY (namespace, run, step, item)
) {without_rowid};
CREATE UNIQUE INDEX attempt_tokens_hash ON attempt_tokens (hash);

-- Outputs that were set, or marked, while the attempt ran. Its end puts the values into those of the step.
CREATE TABLE reported_outputs (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    attempt {big} NOT NULL,
    name {text} NOT NULL,
    value TEXT,
    is_sensitive SMALLINT,
    PRIMARY KEY (namespace, run, step, item, attempt, name)
) {without_rowid};

-- Decorators, messages, the last status, and lines for the log, told apart by `kind`; a later one replaces the same.
CREATE TABLE reports (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    attempt {big} NOT NULL,
    kind {text} NOT NULL,
    name {text} NOT NULL,
    body TEXT NOT NULL,
    at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step, item, attempt, kind, name)
) {without_rowid};
