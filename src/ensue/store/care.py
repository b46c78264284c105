"""Keeping the store healthy: pruning in small batches, and looking at the invariants (port Care)."""

import json
from datetime import timedelta

from ensue.ports.store import Pruned
from ensue.store.driver import Driver
from ensue.store.invariants import INVARIANTS
from ensue.store.statement import NOW, Sql, Transaction

ENDED = Sql("SELECT namespace, uid FROM runs WHERE completed_at < $1 ORDER BY completed_at LIMIT $2")
OF_RUNS = tuple(
    Sql(f"DELETE FROM {table} WHERE namespace = $1 AND {column} IN {{in_list:2}}")
    for table, column in (
        ("log_segments", "run"),
        ("attempts", "run"),
        ("step_runs", "run"),
        ("timers", "run"),
        ("homes", "run"),
        ("run_labels", "run"),
        ("runs", "uid"),
    )
)
OLD_EVENTS = Sql("""
    DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE stored_at < $1 ORDER BY stored_at LIMIT $2)
    RETURNING seq
""")
FREE_BODIES = Sql("""
    DELETE FROM bodies WHERE hash IN (
        SELECT b.hash FROM bodies b WHERE b.created_at < $1
            AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.definition_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM definitions d WHERE d.hash = b.hash)
        LIMIT $2)
    RETURNING hash
""")
KEPT_BODIES = timedelta(days=1)
"""So that a body stored for a run that is about to start stays."""


class Care:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def prune(self, keep_runs: timedelta, keep_events: timedelta, batch: int = 200) -> Pruned:
        return await self._driver.write(lambda: _prune(_micros(keep_runs), _micros(keep_events), batch))

    async def check(self) -> tuple[str, ...]:
        return await self._driver.read(_check)


def _prune(keep_runs: int, keep_events: int, batch: int) -> Transaction[Pruned]:
    now: int = (yield NOW)[0][0]
    events = yield OLD_EVENTS(now - keep_events, batch)
    runs = yield ENDED(now - keep_runs, batch)
    uids: dict[str, list[str]] = {}
    for namespace, uid in runs:
        uids.setdefault(namespace, []).append(uid)
    for namespace, names in uids.items():
        for statement in OF_RUNS:
            yield statement(namespace, json.dumps(names))
    bodies = (yield FREE_BODIES(now - _micros(KEPT_BODIES), batch)) if not runs else ()
    return Pruned(
        prefixes=tuple(f"logs/{uid}" for _, uid in runs),
        has_more=batch in (len(events), len(runs), len(bodies)),
    )


def _check() -> Transaction[tuple[str, ...]]:
    broken = []
    for sentence, statement in INVARIANTS:
        found = yield statement()
        if found:
            broken.append(f"not so: {sentence}: {', '.join(str(row[0]) for row in found)}")
    return tuple(broken)


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
