-- Times are microseconds since 1970 UTC on the store's clock; JSON is text; booleans are 0 and 1.

CREATE TABLE namespaces (
    name {text} PRIMARY KEY,
    revision {big} NOT NULL DEFAULT 0
) {without_rowid};

-- Content-addressed: the hash is that of {apiVersion, kind, dialect, compat, spec}.
CREATE TABLE bodies (
    hash {text} PRIMARY KEY,
    body TEXT NOT NULL,
    created_at {big} NOT NULL
) {without_rowid};

CREATE TABLE definitions (
    namespace {text} NOT NULL,
    kind {text} NOT NULL,
    name {text} NOT NULL,
    from_revision {big} NOT NULL,
    to_revision {big},
    uid {text} NOT NULL,
    generation {big} NOT NULL,
    hash {text} NOT NULL,
    dialect {text} NOT NULL,
    manager {text} NOT NULL,
    metadata TEXT NOT NULL,
    applied_by TEXT NOT NULL,
    applied_by_groups TEXT NOT NULL,
    created_at {big} NOT NULL,
    updated_at {big} NOT NULL,
    closed_at {big},
    hears_starts SMALLINT NOT NULL,
    PRIMARY KEY (namespace, kind, name, from_revision)
) {without_rowid};
CREATE INDEX definitions_closed ON definitions (closed_at) WHERE closed_at IS NOT NULL;
-- The triggers for which it is told that a run began.
CREATE INDEX definitions_hearing ON definitions (namespace) WHERE hears_starts = 1 AND to_revision IS NULL;
CREATE INDEX definitions_hash ON definitions (hash);
CREATE UNIQUE INDEX definitions_current ON definitions (namespace, kind, name) WHERE to_revision IS NULL;

CREATE TABLE runs (
    namespace {text} NOT NULL,
    uid {text} NOT NULL,
    name {text} NOT NULL,
    workflow {text} NOT NULL,
    trigger_name {text} NOT NULL,
    definition_hash {text} NOT NULL,
    parameters TEXT NOT NULL,
    labels TEXT NOT NULL,
    started_by TEXT NOT NULL,
    started_by_groups TEXT NOT NULL,
    rerun_of {text},
    parent TEXT,
    event_uid {text},
    cause TEXT NOT NULL,
    start_key {text},
    start_digest {text},
    state {text} NOT NULL,
    reason {text} NOT NULL,
    message TEXT NOT NULL,
    phase {text} NOT NULL,
    stopping {text},
    is_killed SMALLINT NOT NULL,
    paused_at {big},
    open_steps {big} NOT NULL,
    failed_step TEXT NOT NULL,
    ends_as {text},
    ends_message TEXT NOT NULL,
    outputs TEXT NOT NULL,
    created_at {big} NOT NULL,
    started_at {big},
    completed_at {big},
    PRIMARY KEY (namespace, uid)
) {without_rowid};
CREATE UNIQUE INDEX runs_name ON runs (namespace, name);
CREATE UNIQUE INDEX runs_uid ON runs (uid);
CREATE UNIQUE INDEX runs_start_key ON runs (namespace, start_key) WHERE start_key IS NOT NULL;
CREATE INDEX runs_open ON runs (state, uid) WHERE completed_at IS NULL;
CREATE INDEX runs_ended ON runs (completed_at) WHERE completed_at IS NOT NULL;
-- The exceptions, so that they cost a run that succeeds nothing.
CREATE INDEX runs_failed ON runs (namespace, state, uid) WHERE state IN ('Failed', 'Cancelled', 'TimedOut');
CREATE INDEX runs_failed_anywhere ON runs (state, uid) WHERE state IN ('Failed', 'Cancelled', 'TimedOut');
CREATE INDEX runs_failed_workflow ON runs (workflow, namespace, state, uid)
    WHERE state IN ('Failed', 'Cancelled', 'TimedOut');
-- Not (namespace, workflow, uid): while the table is small PostgreSQL would take that for a search by namespace and uid.
CREATE INDEX runs_workflow ON runs (workflow, namespace, uid);
CREATE INDEX runs_workflow_anywhere ON runs (workflow, uid);
CREATE INDEX runs_definition ON runs (definition_hash);

CREATE TABLE run_labels (
    namespace {text} NOT NULL,
    label {text} NOT NULL,
    value {text} NOT NULL,
    run {text} NOT NULL,
    PRIMARY KEY (namespace, label, value, run)
) {without_rowid};
CREATE INDEX run_labels_anywhere ON run_labels (label, value, run);
CREATE INDEX run_labels_run ON run_labels (namespace, run);

CREATE TABLE step_runs (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    position {big} NOT NULL,
    state {text} NOT NULL,
    reason {text} NOT NULL,
    message TEXT NOT NULL,
    attempt {big} NOT NULL,
    retries {big} NOT NULL,
    losses {big} NOT NULL,
    lease_epoch {big} NOT NULL,
    worker {text},
    engine {text} NOT NULL,
    selector {text} NOT NULL,
    waiting_for {big} NOT NULL,
    unmet TEXT NOT NULL,
    is_stopping SMALLINT NOT NULL,
    continues_on_error SMALLINT NOT NULL,
    exit_code {big},
    handle TEXT NOT NULL,
    home {text},
    outputs TEXT NOT NULL,
    queued_at {big},
    ready_at {big},
    started_at {big},
    completed_at {big},
    PRIMARY KEY (namespace, run, step, item)
) {without_rowid};
CREATE INDEX step_runs_ready ON step_runs (engine, selector, ready_at) WHERE state = 'Queued';
CREATE INDEX step_runs_home ON step_runs (home) WHERE home IS NOT NULL AND completed_at IS NULL;
CREATE INDEX step_runs_held ON step_runs (worker) WHERE worker IS NOT NULL;

CREATE TABLE attempts (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    number {big} NOT NULL,
    worker {text},
    engine {text} NOT NULL,
    state {text} NOT NULL,
    reason {text} NOT NULL,
    message TEXT NOT NULL,
    exit_code {big},
    started_at {big},
    completed_at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step, item, number)
) {without_rowid};

CREATE TABLE timers (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    kind {text} NOT NULL,
    due_at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step, item, kind)
) {without_rowid};
CREATE INDEX timers_due ON timers (due_at);

CREATE TABLE log_segments (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    attempt {big} NOT NULL,
    start_offset {big} NOT NULL,
    end_offset {big} NOT NULL,
    storage_key TEXT NOT NULL,
    body TEXT NOT NULL,
    first_at {big} NOT NULL,
    last_at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step, item, attempt, start_offset)
) {without_rowid};

CREATE TABLE workers (
    id {text} PRIMARY KEY,
    labels TEXT NOT NULL,
    engines TEXT NOT NULL,
    host TEXT NOT NULL,
    pid {big} NOT NULL,
    version TEXT NOT NULL,
    seen_at {big} NOT NULL,
    lease_until {big} NOT NULL,
    is_draining SMALLINT NOT NULL
) {without_rowid};

-- Where a run's workspace is.
CREATE TABLE homes (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    worker {text} NOT NULL,
    PRIMARY KEY (namespace, run)
) {without_rowid};
CREATE INDEX homes_worker ON homes (worker);

CREATE TABLE duties (
    duty {text} PRIMARY KEY,
    worker {text} NOT NULL,
    until {big} NOT NULL
) {without_rowid};

CREATE TABLE outbox (
    seq {serial_key},
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    type TEXT NOT NULL,
    data TEXT NOT NULL,
    cause TEXT NOT NULL,
    created_at {big} NOT NULL
);

-- Of those with the same id only the latest is compared with what comes.
CREATE TABLE events (
    seq {serial_key},
    namespace {text} NOT NULL,
    uid {text} NOT NULL,
    source_key TEXT NOT NULL,
    source TEXT NOT NULL,
    id TEXT NOT NULL,
    type TEXT NOT NULL,
    subject TEXT NOT NULL,
    time {big} NOT NULL,
    envelope TEXT NOT NULL,
    revision {big} NOT NULL,
    stored_at {big} NOT NULL,
    is_latest SMALLINT NOT NULL,
    {xid_column}
);
{postgres} CREATE INDEX events_order ON events (xid, seq);
CREATE INDEX events_namespace ON events (namespace, {commit_order});
CREATE UNIQUE INDEX events_uid ON events (uid);
CREATE UNIQUE INDEX events_identity ON events (namespace, source_key, source, id) WHERE is_latest = 1;
CREATE INDEX events_stored ON events (stored_at);

CREATE TABLE decisions (
    namespace {text} NOT NULL,
    event {text} NOT NULL,
    trigger_uid {text} NOT NULL,
    generation {big} NOT NULL,
    trigger_name {text} NOT NULL,
    conclusion {text} NOT NULL,
    reason {text} NOT NULL,
    note TEXT NOT NULL,
    verdict TEXT NOT NULL,
    run {text},
    run_name {text},
    decided_at {big} NOT NULL,
    PRIMARY KEY (namespace, event, trigger_uid, generation)
) {without_rowid};

-- What triggers remember. A row that holds an event is due at a time; the others expire.
CREATE TABLE windows (
    namespace {text} NOT NULL,
    kind {text} NOT NULL,
    trigger_uid {text} NOT NULL,
    key {text} NOT NULL,
    memory TEXT NOT NULL,
    due_at {big},
    held_hash {text},
    expires_at {big} NOT NULL,
    PRIMARY KEY (namespace, kind, trigger_uid, key)
) {without_rowid};
CREATE INDEX windows_due ON windows (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX windows_expired ON windows (expires_at) WHERE due_at IS NULL;
CREATE INDEX windows_held ON windows (held_hash) WHERE held_hash IS NOT NULL;

CREATE TABLE audit (
    seq {serial_key},
    namespace {text} NOT NULL,
    at {big} NOT NULL,
    subject TEXT NOT NULL,
    subject_groups TEXT NOT NULL,
    verb {text} NOT NULL,
    kind {text} NOT NULL,
    name TEXT NOT NULL,
    details TEXT NOT NULL
);
CREATE INDEX audit_namespace ON audit (namespace, seq);

-- Values are sealed; the key is not in the database. An empty workflow stands for the whole namespace.
CREATE TABLE secrets (
    namespace {text} NOT NULL,
    name {text} NOT NULL,
    workflow {text} NOT NULL,
    key {text} NOT NULL,
    key_id {text} NOT NULL,
    created_at {big} NOT NULL,
    changed_at {big} NOT NULL,
    nonce {blob} NOT NULL,
    body {blob} NOT NULL,
    PRIMARY KEY (namespace, name, workflow, key)
) {without_rowid};

-- Which file defines what, as its follower read it last, and what is wrong there.
CREATE TABLE origins (
    namespace {text} NOT NULL,
    kind {text} NOT NULL,
    name {text} NOT NULL,
    follower TEXT NOT NULL,
    file TEXT NOT NULL,
    line {big} NOT NULL,
    problems TEXT NOT NULL,
    PRIMARY KEY (namespace, kind, name)
) {without_rowid};
