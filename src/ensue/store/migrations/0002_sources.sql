-- What pull sources remember: on all servers, or, with a place, on one. Memory with another basis is as good as none.
CREATE TABLE source_memories (
    namespace {text} NOT NULL,
    source_key {text} NOT NULL,
    place {text} NOT NULL,
    basis {text} NOT NULL,
    memory TEXT NOT NULL,
    updated_at {big} NOT NULL,
    PRIMARY KEY (namespace, source_key, place)
) {without_rowid};
