"""The rows that triggers remember in: locked in the order of their keys, changed in memory, written once."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from ensue.core.windows import Held, Storm
from ensue.model.run import Run
from ensue.model.trigger import Throttle
from ensue.model.values import EPOCH, from_micros, to_micros
from ensue.store import rows
from ensue.store.statement import Row, Sql, Statement, Transaction

# One statement that makes the row, or waits for who has it.
LOCK = Sql("""
    INSERT INTO windows (namespace, kind, trigger_uid, key, memory, due_at, held_hash, expires_at)
    VALUES ($1, $2, $3, $4, '{}', NULL, NULL, $5)
    ON CONFLICT (namespace, kind, trigger_uid, key) DO UPDATE SET expires_at = windows.expires_at
    RETURNING memory
""")
SAVE = Sql("""
    UPDATE windows SET memory = $1, due_at = $2, held_hash = $3, expires_at = $4
    WHERE namespace = $5 AND kind = $6 AND trigger_uid = $7 AND key = $8
""")
DUE = Sql("SELECT namespace, kind, trigger_uid, key FROM windows WHERE due_at <= $1 ORDER BY due_at LIMIT $2")
PUT_OFF = Sql("""
    UPDATE windows SET due_at = $1
    WHERE namespace = $2 AND kind = $3 AND trigger_uid = $4 AND key = $5 AND due_at IS NOT NULL
""")
NEXT = Sql("SELECT min(due_at) FROM windows WHERE due_at IS NOT NULL")


class Kind(StrEnum):
    """In this order they are locked."""

    DEBOUNCE = "debounce"
    DEDUPE = "dedupe"
    STORM = "storm"
    THROTTLE = "throttle"


LATE = frozenset({Kind.STORM, Kind.THROTTLE})
"""What is asked when an event is let go of, and so locked after what may hold one."""

Key = tuple[str, Kind, str, str]
"""Namespace, kind, trigger uid, and the window's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """An event that is held, with all that its release needs: what fires later is what was decided on."""

    held: Held
    trigger: str
    generation: int
    run: Run
    throttle: Throttle | None
    throttle_key: str
    storm: Storm | None

    def throttled_by(self, key: Key) -> Key | None:
        """The window to ask when that of `key` lets go of it; None: there is none."""
        return None if self.throttle is None else (key[0], Kind.THROTTLE, key[2], self.throttle_key)

    def stormed_by(self, key: Key) -> Key | None:
        return None if self.storm is None else (key[0], Kind.STORM, key[2], self.storm.root)


@dataclass(slots=True, kw_only=True)
class Window:
    """One row, ours until the commit."""

    key: Key
    seen_at: datetime | None = None
    seen_event: str = ""
    passed: tuple[datetime, ...] = ()
    hold: Hold | None = None
    stormed: int = 0
    lasts: timedelta = field(default=timedelta())
    """How long what it remembers counts."""
    is_changed: bool = False


class Locked:
    """The rows that a transaction has locked."""

    def __init__(self) -> None:
        self._windows: dict[Key, Window] = {}

    def of(self, key: Key) -> Window:
        return self._windows[key]

    def lock(self, keys: Iterable[Key]) -> Transaction[None]:
        for key in sorted(set(keys) - self._windows.keys()):
            found = yield LOCK(*key, 0)
            self._windows[key] = _window(key, found[0][0])

    def save(self, now: datetime) -> Transaction[None]:
        for window in self._windows.values():
            if window.is_changed:
                yield SAVE.quietly(*_saved(window, now), *window.key)


def put_off(key: Key, until: int) -> Statement:
    """One that cannot be released is not in the way of those behind it."""
    return PUT_OFF(until, *key)


def due(now: int, limit: int) -> Transaction[list[Key]]:
    found = yield DUE(now, limit)
    return [(namespace, Kind(kind), uid, key) for namespace, kind, uid, key in found]


def next_due() -> Transaction[datetime | None]:
    found = yield NEXT()
    return rows.moment(found[0][0])


def _saved(window: Window, now: datetime) -> Row:
    memory: dict[str, object] = {}
    if window.seen_at is not None:
        memory["seen"] = to_micros(window.seen_at)
        memory["event"] = window.seen_event
    if window.passed:
        memory["passed"] = [to_micros(time) for time in window.passed]
    if window.stormed:
        memory["stormed"] = window.stormed
    hold = window.hold
    if hold is not None:
        memory["hold"] = _dump_hold(hold)
    text = json.dumps(memory, separators=(",", ":"))
    due_at = None if hold is None else to_micros(hold.held.due_at)
    return (text, due_at, None if hold is None else hold.run.definition_hash, to_micros(now + window.lasts))


def _window(key: Key, text: str) -> Window:
    memory = json.loads(text)
    return Window(
        key=key,
        seen_at=rows.moment(memory.get("seen")),
        seen_event=memory.get("event", ""),
        passed=tuple(from_micros(time) for time in memory.get("passed", ())),
        hold=_load_hold(memory["hold"]) if "hold" in memory else None,
        stormed=memory.get("stormed", 0),
    )


def _dump_hold(hold: Hold) -> dict[str, object]:
    held, run = hold.held, replace(hold.run, created_at=EPOCH)
    throttle, storm = hold.throttle, hold.storm
    return {
        "event": held.event,
        "times": [to_micros(held.since), to_micros(held.last_at), to_micros(held.due_at)],
        "trigger": hold.trigger,
        "generation": hold.generation,
        "run": [run.namespace, run.uid, *rows.run_fixed(run), *rows.run_changing(run)],
        "throttle": None if throttle is None else [throttle.limit, throttle.per // timedelta(microseconds=1)],
        "key": hold.throttle_key,
        "storm": None if storm is None else [storm.root, storm.limit, storm.note],
    }


def _load_hold(memory: Any) -> Hold:
    since, last_at, due_at = (from_micros(time) for time in memory["times"])
    throttle = None
    if memory["throttle"] is not None:
        limit, per = memory["throttle"]
        throttle = Throttle(limit=limit, per=timedelta(microseconds=per))
    storm = None
    if memory.get("storm") is not None:
        root, most, note = memory["storm"]
        storm = Storm(root=root, limit=most, note=note)
    return Hold(
        held=Held(event=memory["event"], since=since, last_at=last_at, due_at=due_at),
        trigger=memory["trigger"],
        generation=memory["generation"],
        run=rows.to_run(memory["run"]),
        throttle=throttle,
        throttle_key=memory["key"],
        storm=storm,
    )
