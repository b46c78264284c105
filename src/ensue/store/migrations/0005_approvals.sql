-- What runs ask of people. The step says what is asked and of whom; it waits as long as its row does.
CREATE TABLE approvals (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    item {big} NOT NULL,
    run_name {text} NOT NULL,
    message TEXT NOT NULL,
    answers TEXT NOT NULL,
    outcome {text} NOT NULL,
    asked_at {big} NOT NULL,
    expires_at {big},
    closed_at {big},
    PRIMARY KEY (namespace, run, step, item)
) {without_rowid};
CREATE INDEX approvals_asked ON approvals (asked_at, run, step);
CREATE INDEX approvals_open ON approvals (asked_at, run, step) WHERE closed_at IS NULL;
