"""Keeping the store healthy: pruning in small batches, and the invariants (port Care)."""

import json
from datetime import timedelta

from ensue.store.driver import Driver
from ensue.store.statement import NOW, Sql, Transaction

ENDED = Sql("SELECT namespace, uid FROM runs WHERE completed_at < $1 ORDER BY completed_at LIMIT $2")
OF_RUNS = tuple(
    Sql(f"DELETE FROM {table} WHERE namespace = $1 AND {column} IN {{in_list:2}}")
    for table, column in (
        ("log_segments", "run"),
        ("attempts", "run"),
        ("step_runs", "run"),
        ("timers", "run"),
        ("run_labels", "run"),
        ("runs", "uid"),
    )
)
OLD_EVENTS = Sql(
    "DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE stored_at < $1 ORDER BY stored_at LIMIT $2)"
)
FREE_BODIES = Sql("""
    DELETE FROM bodies WHERE hash IN (
        SELECT b.hash FROM bodies b WHERE b.created_at < $1
            AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.definition_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM definitions d WHERE d.hash = b.hash)
        LIMIT $2)
""")

# Each gives the objects that break it; none may.
INVARIANTS: tuple[tuple[str, Sql], ...] = tuple(
    (sentence, Sql(text))
    for sentence, text in (
        (
            "a run that ended has no step that did not",
            (
                "SELECT r.name FROM runs r WHERE r.completed_at IS NOT NULL AND EXISTS (SELECT 1 FROM step_runs s"
                " WHERE s.namespace = r.namespace AND s.run = r.uid AND s.completed_at IS NULL"
                " AND NOT (r.is_killed = 1 AND s.state = 'Pending')) LIMIT 20"
            ),
        ),
        (
            "a run is in a final state exactly when it has an end time",
            (
                "SELECT name FROM runs WHERE (completed_at IS NOT NULL)"
                " <> (state IN ('Succeeded', 'Failed', 'Cancelled', 'TimedOut')) LIMIT 20"
            ),
        ),
        (
            "a step is in a final state exactly when it has an end time",
            (
                "SELECT run || '/' || step FROM step_runs WHERE (completed_at IS NOT NULL)"
                " <> (state IN ('Succeeded', 'Failed', 'Cancelled', 'TimedOut', 'Skipped')) LIMIT 20"
            ),
        ),
        (
            "a step has a worker exactly while it runs",
            "SELECT run || '/' || step FROM step_runs WHERE (worker IS NOT NULL) <> (state = 'Running') LIMIT 20",
        ),
        (
            "the worker of a step that runs is registered",
            (
                "SELECT s.run || '/' || s.step FROM step_runs s WHERE s.state = 'Running'"
                " AND NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = s.worker) LIMIT 20"
            ),
        ),
        (
            "a run that is open has an open step in its phase",
            "SELECT name FROM runs WHERE completed_at IS NULL AND open_steps <= 0 LIMIT 20",
        ),
        (
            "a run's count of open steps is right",
            (
                "SELECT r.name FROM runs r WHERE r.completed_at IS NULL AND r.open_steps > (SELECT"
                " count(*) FROM step_runs s"
                " WHERE s.namespace = r.namespace AND s.run = r.uid AND s.completed_at IS NULL) LIMIT 20"
            ),
        ),
        (
            "a step that waits for dependencies waits for at least one",
            (
                "SELECT s.run || '/' || s.step FROM step_runs s JOIN runs r ON r.namespace = s.namespace"
                " AND r.uid = s.run"
                " WHERE r.completed_at IS NULL AND s.state = 'Pending' AND s.waiting_for < 0 LIMIT 20"
            ),
        ),
        (
            "a step that sleeps has a timer",
            (
                "SELECT s.run || '/' || s.step FROM step_runs s WHERE s.state = 'Waiting' AND s.reason = 'Timer'"
                " AND NOT EXISTS (SELECT 1 FROM timers t WHERE t.namespace = s.namespace AND t.run = s.run"
                " AND t.step = s.step AND t.item = s.item) LIMIT 20"
            ),
        ),
        (
            "every try of a step that ended is recorded once",
            (
                "SELECT s.run || '/' || s.step FROM step_runs s WHERE s.completed_at IS NOT NULL AND"
                " s.attempt <> (SELECT"
                " count(*) FROM attempts a WHERE a.namespace = s.namespace AND a.run = s.run AND a.step = s.step"
                " AND a.item = s.item) LIMIT 20"
            ),
        ),
        (
            "an ended run is told of once: in the outbox or in the feed",
            (
                "SELECT r.name FROM runs r WHERE r.completed_at IS NOT NULL AND (SELECT count(*) FROM outbox o"
                " WHERE o.namespace = r.namespace AND o.run = r.uid) + (SELECT count(*) FROM events e"
                " WHERE e.namespace = r.namespace AND e.source = '/ensue/runs' AND e.subject = r.uid) > 1 LIMIT 20"
            ),
        ),
        (
            "a definition in use is stored",
            (
                "SELECT r.name FROM runs r WHERE NOT EXISTS (SELECT 1 FROM bodies b WHERE b.hash ="
                " r.definition_hash) LIMIT 20"
            ),
        ),
        (
            "log segments of an attempt follow each other without gap or overlap",
            (
                "SELECT a.run || '/' || a.step FROM log_segments a WHERE a.start_offset > 0 AND NOT EXISTS (SELECT 1"
                " FROM log_segments b WHERE b.namespace = a.namespace AND b.run = a.run AND b.step = a.step"
                " AND b.item = a.item AND b.attempt = a.attempt AND b.end_offset = a.start_offset) LIMIT 20"
            ),
        ),
    )
)


class Care:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def prune(self, keep_runs: timedelta, keep_events: timedelta, batch: int = 200) -> tuple[str, ...]:
        return await self._driver.write(lambda: _prune(_micros(keep_runs), _micros(keep_events), batch))

    async def check(self) -> tuple[str, ...]:
        return await self._driver.read(_check)


def _prune(keep_runs: int, keep_events: int, batch: int) -> Transaction[tuple[str, ...]]:
    now: int = (yield NOW)[0][0]
    yield OLD_EVENTS(now - keep_events, batch)
    found = yield ENDED(now - keep_runs, batch)
    uids: dict[str, list[str]] = {}
    for namespace, uid in found:
        uids.setdefault(namespace, []).append(uid)
    for namespace, names in uids.items():
        for statement in OF_RUNS:
            yield statement(namespace, json.dumps(names))
    if not found:
        # A body is kept for a day, so that one stored for a run about to start stays.
        yield FREE_BODIES(now - _micros(timedelta(days=1)), batch)
    return tuple(f"logs/{uid}" for _, uid in found)


def _check() -> Transaction[tuple[str, ...]]:
    broken = []
    for sentence, statement in INVARIANTS:
        found = yield statement()
        if found:
            broken.append(f"not so: {sentence}: {', '.join(str(row[0]) for row in found)}")
    return tuple(broken)


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
