"""Stored events in commit order, and the outbox that feeds them (port Feed)."""

import json
import re
import uuid
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ensue.model.errors import InvalidInput, NotFound
from ensue.model.event import DataForm, Event, StoredEvent
from ensue.model.values import Json, Namespace, RunUid, from_micros, to_micros
from ensue.ports.store import Page, Told
from ensue.store import rows
from ensue.store.driver import Driver
from ensue.store.statement import Row, Rows, Sql, Transaction

_COLUMNS = "xid, seq, namespace, uid, source_key, source, id, type, subject, time, envelope, revision, stored_at"
ADD = Rows(
    """
    INSERT INTO events (namespace, uid, source_key, source, id, type, subject, time, envelope, revision, stored_at,
        is_latest)
    VALUES {rows}
    ON CONFLICT (namespace, source_key, source, id) WHERE is_latest = 1 DO NOTHING RETURNING uid
    """,
    12,
)
SAME = Sql("""
    SELECT uid, stored_at, seq FROM events
    WHERE namespace = $1 AND source_key = $2 AND source = $3 AND id = $4 AND is_latest = 1
""")
OUTDATE = Sql("UPDATE events SET is_latest = 0 WHERE seq = $1 AND is_latest = 1")
ONE = Sql(f"SELECT {_COLUMNS} FROM events WHERE uid = $1 AND namespace = $2")
BEGINNING = Sql("SELECT uid FROM events WHERE uid > $1 AND uid < $2 AND namespace = $3 ORDER BY uid LIMIT $4")
READ = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) > ({{cursor}}) AND {{settled}} ORDER BY {{commit_order}} LIMIT $3
""")
READ_IN = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) > ({{cursor}}) AND namespace = $3 AND {{settled}} ORDER BY {{commit_order}} LIMIT $4
""")
END = Sql("{horizon}")
LATEST = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) < ({{cursor}}) ORDER BY {{latest_first}} LIMIT $3
""")
LATEST_IN = Sql(f"""
    SELECT {_COLUMNS} FROM events
    WHERE ({{commit_order}}) < ({{cursor}}) AND namespace = $3 ORDER BY {{latest_first}} LIMIT $4
""")
OUTBOX = Sql("SELECT seq, namespace, run, type, data, cause, created_at FROM outbox ORDER BY seq LIMIT $1")
TAKE = Sql("""
    WITH told AS MATERIALIZED (SELECT seq FROM outbox WHERE seq IN {in_ints:1} {skip_locked})
    DELETE FROM outbox WHERE seq IN (SELECT seq FROM told) RETURNING seq
""")

LAST = 2**63 - 1
NOT_OURS = "the continue token is not one of this feed"
CURSOR = re.compile(r"([0-9]{1,19})\.([0-9]{1,19})")
PREFIX = re.compile(r"[0-9A-Fa-f-]{8,36}")
"""Of a uid, as a person gives it."""
MOST_NAMED = 5
RUN_SOURCE = "/ensue/runs"
_UIDS = uuid.UUID("5a7c64b8-6c5e-4f6e-9c3a-0e5d2d6b7e11")


class Feed:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def read(self, namespace: Namespace | None, after: str = "", limit: int = 100) -> Page[StoredEvent]:
        return await self._driver.read(lambda: _read(namespace, after, limit))

    async def end(self) -> str:
        ((xid, seq),) = await self._driver.fetch(END())
        return f"{xid}.{seq}"

    async def latest(self, namespace: Namespace | None, before: str = "", limit: int = 100) -> Page[StoredEvent]:
        return await self._driver.read(lambda: _latest(namespace, before, limit))

    async def get(self, namespace: Namespace, uid: str) -> StoredEvent:
        found = await self._driver.fetch(ONE(uid, namespace))
        if not found and PREFIX.fullmatch(uid):
            found = await self._driver.read(lambda: _beginning(namespace, uid.lower()))
        if not found:
            raise NotFound(f"no event {uid} in namespace {namespace}", remedy="`ensue get events` lists them")
        return stored(found[0])

    async def outbox(self, limit: int = 100) -> tuple[Told, ...]:
        return tuple(_told(row) for row in await self._driver.fetch(OUTBOX(limit)))


class Added(NamedTuple):
    uid: str
    """Its own, or that of the first where it repeats another."""
    is_new: bool
    """Stored by this call. Whoever does not know whether a commit took place hands in the same again."""


def add(events: Sequence[tuple[Event, int]], now: int, keep_ids: int) -> Transaction[list[Added]]:
    """Store events, each with the revision of the definitions that it meets."""
    wanted = [_row(event, revision, now) for event, revision in events]
    stored = {uid for (uid,) in (yield from ADD.put(wanted))}
    added = []
    for row in wanted:
        if row[1] in stored:
            stored.discard(row[1])
            added.append(Added(row[1], True))
        else:
            added.append((yield from _repeated(row, now, keep_ids)))
    return added


def _repeated(row: Row, now: int, keep_ids: int) -> Transaction[Added]:
    while True:
        found = yield SAME(row[0], *row[2:5])
        if found:
            uid, stored_at, seq = found[0]
            if uid == row[1] or now - stored_at < keep_ids:
                return Added(uid, False)
            yield OUTDATE(seq)
        if (yield from ADD.put([row])):
            return Added(row[1], True)


def _row(event: Event, revision: int, now: int) -> Row:
    envelope: dict[str, Json] = {
        "data": event.data,
        "form": event.data_form.value,
        "time": event.time_text,
        "datacontenttype": event.data_content_type,
        "dataschema": event.data_schema,
        "extensions": dict(event.extensions),
        "cause": rows.cause_text(event.cause),
    }
    return (
        event.namespace, event.uid, event.source_key, rows.text(event.source), rows.text(event.id),
        rows.text(event.type), rows.text(event.subject), to_micros(event.time), rows.dump(envelope), revision, now,
        1,
    )  # fmt: skip


def _read(namespace: Namespace | None, after: str, limit: int) -> Transaction[Page[StoredEvent]]:
    xid, seq = _cursor(after)
    if namespace is None:
        found = yield READ(xid, seq, limit)
    else:
        found = yield READ_IN(xid, seq, namespace, limit)
    # On SQLite a cursor begins with 0; on PostgreSQL none is of a transaction that is still to come.
    if xid and (found[0][0] if found else (yield END())[0][0]) < xid:
        raise InvalidInput(NOT_OURS, remedy="leave it out, to begin with what is stored from now on")
    page = tuple(stored(row) for row in found)
    return Page(items=page, after=page[-1].cursor if page else after or "0.0")


def _latest(namespace: Namespace | None, before: str, limit: int) -> Transaction[Page[StoredEvent]]:
    xid, seq = _cursor(before) if before else (LAST, LAST)
    if namespace is None:
        found = yield LATEST(xid, seq, limit)
    else:
        found = yield LATEST_IN(xid, seq, namespace, limit)
    page = tuple(stored(row) for row in found)
    return Page(items=page, after=page[-1].cursor if len(page) == limit else "")


def _beginning(namespace: Namespace, prefix: str) -> Transaction[Sequence[Row]]:
    """The only event whose uid begins so. Raises InvalidInput when there are others."""
    # Any character of a uid comes before this one.
    found = [uid for (uid,) in (yield BEGINNING(prefix, f"{prefix}~", namespace, MOST_NAMED + 1))]
    if len(found) > 1:
        more = " and more" if len(found) > MOST_NAMED else ""
        named = ", ".join(found[:MOST_NAMED])
        raise InvalidInput(f"several events begin with {prefix}: {named}{more}", remedy="give more of the id")
    return (yield ONE(found[0], namespace)) if found else ()


def _cursor(after: str) -> tuple[int, int]:
    if not after:
        return 0, 0
    found = CURSOR.fullmatch(after)
    xid, seq = map(int, found.groups()) if found else (LAST + 1, 0)
    if max(xid, seq) > LAST:
        raise InvalidInput(NOT_OURS)
    return xid, seq


def _told(row: Row) -> Told:
    seq, namespace, run, type, data, cause, created_at = row
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
        cause=replace(rows.to_cause(cause), run=RunUid(run)),
    )
    return Told(seq=seq, event=event)


def stored(row: Row) -> StoredEvent:
    xid, seq, namespace, uid, source_key, source, id, type, subject, time, text, revision, stored_at = row
    envelope = json.loads(text)
    event = Event(
        namespace=Namespace(namespace),
        uid=uid,
        id=id,
        source=source,
        type=type,
        time=from_micros(time),
        time_text=envelope["time"],
        subject=subject,
        data=envelope["data"],
        data_form=DataForm(envelope["form"]),
        data_content_type=envelope["datacontenttype"],
        data_schema=envelope["dataschema"],
        extensions=envelope["extensions"],
        source_key=source_key,
        cause=rows.to_cause(envelope["cause"]),
    )
    return StoredEvent(event=event, cursor=f"{xid}.{seq}", revision=revision, stored_at=from_micros(stored_at))
