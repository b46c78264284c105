"""Keeping the store healthy: pruning in small batches, and looking at the invariants (port Care)."""

import json
from collections.abc import Iterable, Sequence
from datetime import timedelta

from ensue.model.values import Namespace, RunUid
from ensue.ports.store import RunKey
from ensue.store import audit
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
        ("step_states", "run"),
        ("approvals", "run"),
        ("attempt_tokens", "run"),
        ("reported_outputs", "run"),
        ("reports", "run"),
        ("run_labels", "run"),
        ("runs", "uid"),
    )
)
OLD_EVENTS = Sql("""
    DELETE FROM events WHERE seq IN (SELECT seq FROM events WHERE stored_at < $1 ORDER BY stored_at LIMIT $2)
    RETURNING namespace, uid
""")
OLD_VERSIONS = Sql("""
    DELETE FROM definitions WHERE (namespace, kind, name, from_revision) IN (
        SELECT namespace, kind, name, from_revision FROM definitions WHERE closed_at < $1 ORDER BY closed_at LIMIT $2)
    RETURNING name
""")
OF_EVENTS = Sql("""
    DELETE FROM decisions WHERE namespace = $1 AND event IN {in_list:2}
""")
OLD_WINDOWS = Sql("""
    DELETE FROM windows WHERE (namespace, kind, trigger_uid, key) IN (
        SELECT namespace, kind, trigger_uid, key FROM windows
        WHERE expires_at < $1 AND due_at IS NULL ORDER BY expires_at LIMIT $2)
    AND expires_at < $1 AND due_at IS NULL
    RETURNING kind
""")
FREE_BODIES = Sql("""
    DELETE FROM bodies WHERE hash IN (
        SELECT b.hash FROM bodies b WHERE b.created_at < $1
            AND NOT EXISTS (SELECT 1 FROM runs r WHERE r.definition_hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM definitions d WHERE d.hash = b.hash)
            AND NOT EXISTS (SELECT 1 FROM windows w WHERE w.held_hash = b.hash)
        LIMIT $2)
    RETURNING hash
""")
KEPT_BODIES = timedelta(days=1)
"""So that a body stored for a run that is about to start stays."""


class Care:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def ended(self, keep: timedelta, limit: int = 200) -> tuple[RunKey, ...]:
        return await self._driver.read(lambda: _ended(_micros(keep), limit))

    async def prune(
        self, runs: Sequence[RunKey], keep_events: timedelta, keep_audit: timedelta, limit: int = 200
    ) -> bool:
        return await self._driver.write(lambda: _prune(runs, _micros(keep_events), _micros(keep_audit), limit))

    async def check(self) -> tuple[str, ...]:
        return await self._driver.read(_check)


def _ended(keep: int, limit: int) -> Transaction[tuple[RunKey, ...]]:
    found = yield ENDED((yield NOW)[0][0] - keep, limit)
    return tuple((Namespace(namespace), RunUid(uid)) for namespace, uid in found)


def _prune(runs: Sequence[RunKey], keep_events: int, keep_audit: int, limit: int) -> Transaction[bool]:
    now: int = (yield NOW)[0][0]
    events = yield OLD_EVENTS(now - keep_events, limit)
    entries = yield from audit.prune(now - keep_audit, limit)
    # An event tells the revision that it met.
    versions = yield OLD_VERSIONS(now - max(keep_audit, keep_events), limit)
    for namespace, uids in _by_namespace(events).items():
        yield OF_EVENTS(namespace, json.dumps(uids))
    windows = yield OLD_WINDOWS(now, limit)
    for namespace, uids in _by_namespace(runs).items():
        for statement in OF_RUNS:
            yield statement(namespace, json.dumps(uids))
    bodies = (yield FREE_BODIES(now - _micros(KEPT_BODIES), limit)) if not runs else ()
    return bool(runs) or limit in (len(events), len(windows), entries, len(versions), len(bodies))


def _by_namespace(keys: Iterable[Sequence[str]]) -> dict[str, list[str]]:
    uids: dict[str, list[str]] = {}
    for namespace, uid in keys:
        uids.setdefault(namespace, []).append(uid)
    return uids


def _check() -> Transaction[tuple[str, ...]]:
    broken = []
    for sentence, statement in INVARIANTS:
        found = yield statement()
        if found:
            broken.append(f"not so: {sentence}: {', '.join(str(row[0]) for row in found)}")
    return tuple(broken)


def _micros(duration: timedelta) -> int:
    return duration // timedelta(microseconds=1)
