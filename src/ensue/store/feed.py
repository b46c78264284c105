"""Stored events in commit order, and the outbox that feeds them (port Feed)."""

import json
import uuid
from collections.abc import Sequence

from ensue.model.errors import InvalidInput
from ensue.model.event import Event, StoredEvent
from ensue.model.values import Json, Namespace, from_micros, to_micros
from ensue.ports.store import Page
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Row, Sql, Transaction

_COLUMNS = "xid, seq, namespace, uid, source, id, type, subject, time, envelope"
_ADD = """
    INSERT INTO events (namespace, uid, source, id, type, subject, time, envelope, revision, stored_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, (SELECT coalesce(max(revision), 0) FROM namespaces WHERE name = $9), $10)
    ON CONFLICT (namespace, source, id) DO NOTHING
"""
ADD_ALL = Sql(_ADD)
ADD = Sql(f"{_ADD} RETURNING seq")
SAME = Sql(f"SELECT {_COLUMNS} FROM events WHERE namespace = $1 AND source = $2 AND id = $3")
READ = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) > ({{cursor}}) AND {{settled}} ORDER BY {{commit_order}} LIMIT $3
""")
READ_IN = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) > ({{cursor}}) AND namespace = $3 AND {{settled}} ORDER BY {{commit_order}} LIMIT $4
""")
TAKE = Sql("""
    WITH first AS MATERIALIZED (SELECT seq FROM outbox ORDER BY seq LIMIT $1 {skip_locked})
    DELETE FROM outbox WHERE seq IN (SELECT seq FROM first)
    RETURNING seq, namespace, run, type, data, created_at
""")

RUN_SOURCE = "/ensue/runs"
_UIDS = uuid.UUID("5a7c64b8-6c5e-4f6e-9c3a-0e5d2d6b7e11")


class Feed:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def append(self, events: Sequence[Event]) -> tuple[StoredEvent, ...]:
        return await self._driver.write(lambda: _append(events))

    async def read(self, namespace: Namespace | None, after: str = "", limit: int = 100) -> Page[StoredEvent]:
        return await self._driver.read(lambda: _read(namespace, after, limit))

    async def drain_outbox(self, limit: int = 100) -> int:
        return await self._driver.write(lambda: _drain(limit))


def _append(events: Sequence[Event]) -> Transaction[tuple[StoredEvent, ...]]:
    now: int = (yield NOW)[0][0]
    stored = []
    for event in events:
        is_new = bool((yield ADD(*_row(event, now))))
        found = yield SAME(event.namespace, event.source, event.id)
        stored.append(_stored(found[0], is_duplicate=not is_new))
    return tuple(stored)


def _row(event: Event, now: int) -> Row:
    envelope: dict[str, Json] = {
        "data": event.data,
        "datacontenttype": event.data_content_type,
        "dataschema": event.data_schema,
        "extensions": dict(event.extensions),
    }
    return (
        event.namespace, event.uid, event.source, event.id, event.type, event.subject, to_micros(event.time),
        rows.dump(envelope), event.namespace, now,
    )  # fmt: skip


def _read(namespace: Namespace | None, after: str, limit: int) -> Transaction[Page[StoredEvent]]:
    xid, seq = _cursor(after)
    if namespace is None:
        found = yield READ(xid, seq, limit)
    else:
        found = yield READ_IN(xid, seq, namespace, limit)
    page = tuple(_stored(row, is_duplicate=False) for row in found)
    return Page(items=page, after=page[-1].cursor if page else after or "0.0")


def _cursor(after: str) -> tuple[int, int]:
    xid, _, seq = after.partition(".")
    if not after:
        return 0, 0
    if not (xid.isdigit() and seq.isdigit()):
        raise InvalidInput("the continue token is not one of this feed")
    return int(xid), int(seq)


def _drain(limit: int) -> Transaction[int]:
    now: int = (yield NOW)[0][0]
    taken = yield TAKE(limit)
    events = []
    for _, namespace, run, type, data, created_at in sorted(taken):
        # The id is derived from run and state, so that a repeat collapses.
        event = Event(
            namespace=Namespace(namespace),
            uid=str(uuid.uuid5(_UIDS, f"{run}/{type}")),
            id=f"{run}/{type}",
            source=RUN_SOURCE,
            type=type,
            time=from_micros(created_at),
            subject=run,
            data=json.loads(data),
        )
        events.append(_row(event, now))
    if events:
        yield ADD_ALL.many(events)
    return len(taken)


def _stored(row: Row, is_duplicate: bool) -> StoredEvent:
    xid, seq, namespace, uid, source, id, type, subject, time, text = row
    envelope = json.loads(text)
    event = Event(
        namespace=Namespace(namespace),
        uid=uid,
        id=id,
        source=source,
        type=type,
        time=from_micros(time),
        subject=subject,
        data=envelope["data"],
        data_content_type=envelope["datacontenttype"],
        data_schema=envelope["dataschema"],
        extensions=envelope["extensions"],
    )
    return StoredEvent(event=event, cursor=f"{xid}.{seq}", is_duplicate=is_duplicate)
