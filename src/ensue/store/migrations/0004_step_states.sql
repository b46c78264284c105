-- What somebody outside told a step of a run: a JSON object for each.
CREATE TABLE step_states (
    namespace {text} NOT NULL,
    run {text} NOT NULL,
    step {text} NOT NULL,
    state TEXT NOT NULL,
    changed_at {big} NOT NULL,
    PRIMARY KEY (namespace, run, step)
) {without_rowid};
