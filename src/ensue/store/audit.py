"""The audit log: refusals go in, rows are chained, and read (port AuditLog)."""

import json
from collections.abc import Sequence
from itertools import takewhile

from ensue.model.audit import Entry, Head, link_of
from ensue.model.identity import Refused
from ensue.model.values import Namespace, from_micros
from ensue.ports.access import AuditEntry, Chain
from ensue.ports.store import Page
from ensue.store import auditing, rows
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Row, Sql, Transaction

_FIELDS = "namespace, at, subject, subject_groups, verb, kind, name, details"
_LIST = f"SELECT seq, {_FIELDS}, position FROM audit WHERE"
LIST = Sql(f"{_LIST} seq < $1 ORDER BY seq DESC LIMIT $2")
LIST_IN = Sql(f"{_LIST} namespace = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3")
IS_UNSEALED = Sql("SELECT seq FROM audit WHERE position IS NULL LIMIT 1")
UNSEALED = Sql(f"SELECT seq, {_FIELDS} FROM audit WHERE position IS NULL ORDER BY seq LIMIT $1")
HOW_MANY = Sql("SELECT count(*) FROM audit WHERE position IS NULL")
SEAL = Sql("UPDATE audit SET position = $2, link = $3 WHERE seq = $1")
SEALED = Sql(f"""
    SELECT position, link, seq, {_FIELDS} FROM audit
    WHERE position IS NOT NULL AND position > $1 ORDER BY position LIMIT $2
""")
BEGIN = Sql("INSERT INTO audit_chain VALUES (1, 0, '', 0, '') ON CONFLICT (id) DO NOTHING")
_ENDS = "SELECT head_position, head_link, start_position, start_link FROM audit_chain WHERE id = 1"
ENDS = Sql(_ENDS)
# Whoever has this row may chain and delete; all others wait.
LOCK = Sql(f"{_ENDS} {{for_update}}")
MOVE_HEAD = Sql("UPDATE audit_chain SET head_position = $1, head_link = $2 WHERE id = 1")
OLDEST = Sql("SELECT position, link, at FROM audit WHERE position IS NOT NULL ORDER BY position LIMIT $1")
DELETE = Sql("DELETE FROM audit WHERE position IS NOT NULL AND position <= $1")
MOVE_START = Sql("UPDATE audit_chain SET start_position = $1, start_link = $2 WHERE id = 1")
SERVER = Namespace("")


class Audit:
    def __init__(self, *, driver: Driver) -> None:
        self._driver = driver

    async def add(self, refused: Sequence[tuple[Refused, int]]) -> None:
        await self._driver.write(lambda: _add(refused))

    async def list(self, namespace: Namespace | None, limit: int, after: str = "") -> Page[AuditEntry]:
        before = rows.before(after)
        asked = LIST(before, limit + 1) if namespace is None else LIST_IN(namespace, before, limit + 1)
        found = await self._driver.fetch(asked)
        page = tuple(_entry(row) for row in found[:limit])
        return Page(items=page, after=str(page[-1].seq) if len(found) > limit else "")

    async def seal(self, limit: int = 500) -> int:
        if not await self._driver.fetch(IS_UNSEALED()):
            return 0
        return await self._driver.write(lambda: _seal(limit))

    async def chain(self) -> Chain:
        return await self._driver.read(_chain)

    async def entries(self, after: int, limit: int = 500) -> Sequence[Entry]:
        found = await self._driver.fetch(SEALED(after, limit))
        return [Entry(position=row[0], link=row[1], seq=row[2], fields=tuple(row[3:])) for row in found]


def prune(before: int, limit: int) -> Transaction[int]:
    """Delete rows from the chain's beginning that are older, and remember the last of them; how many."""
    _, start = yield from _lock()
    oldest = yield OLDEST(limit)
    old = list(takewhile(lambda row: row[2] < before, oldest))
    if old:
        start = Head(position=old[-1][0], link=old[-1][1])
        yield DELETE(start.position)
        yield MOVE_START(start.position, start.link)
    return len(old)


def _add(refused: Sequence[tuple[Refused, int]]) -> Transaction[None]:
    now: int = (yield NOW)[0][0]
    for one, times in refused:
        place = one.namespace or SERVER
        details = {"isRefused": True, "times": times}
        yield auditing.record(now, one.identity, one.verb, place, one.kind, one.name, details)


def _seal(limit: int) -> Transaction[int]:
    head, _ = yield from _lock()
    found = yield UNSEALED(limit)
    sealed = []
    for seq, *fields in found:
        position = head.position + 1
        head = Head(position=position, link=link_of(head.link, position, seq, tuple(fields)))
        sealed.append((seq, head.position, head.link))
    if sealed:
        yield SEAL.many(sealed)
        yield MOVE_HEAD(head.position, head.link)
    return len(sealed)


def _lock() -> Transaction[tuple[Head, Head]]:
    yield BEGIN()
    return _ends((yield LOCK()))


def _chain() -> Transaction[Chain]:
    head, start = _ends((yield ENDS()))
    return Chain(head=head, start=start, unsealed=(yield HOW_MANY())[0][0])


def _ends(found: Sequence[Row]) -> tuple[Head, Head]:
    if not found:
        return Head(), Head()
    ((position, link, start_position, start_link),) = found
    return Head(position=position, link=link), Head(position=start_position, link=start_link)


def _entry(row: Row) -> AuditEntry:
    seq, namespace, at, subject, groups, verb, kind, name, details, position = row
    return AuditEntry(
        seq=seq,
        at=from_micros(at),
        namespace=namespace,
        by=rows.to_identity(subject, groups),
        verb=verb,
        kind=kind,
        name=name,
        details=json.loads(details),
        position=position,
    )
