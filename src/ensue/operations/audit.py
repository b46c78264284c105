"""Reading the audit log, and finding out whether somebody tampered with it."""

import asyncio
import re
from dataclasses import dataclass
from typing import Final

from ensue.core import permitting
from ensue.core.chaining import Walk
from ensue.model.audit import Head
from ensue.model.errors import InvalidInput
from ensue.model.identity import Identity
from ensue.model.values import Namespace
from ensue.operations.world import World
from ensue.ports.access import AuditEntry, AuditLog
from ensue.ports.store import Page

KIND = "Audit"
BATCH: Final = 500
MOST_FAULTS: Final = 100
HEAD = re.compile(r"(\d{1,18}):([0-9a-f]{64})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `verify` found."""

    faults: tuple[str, ...]
    """The first hundred; empty when all is as it was recorded."""
    count: int
    """How many rows were looked at."""
    start: Head
    """The last row that retention deleted."""
    head: Head
    """The last row that was looked at: kept elsewhere, it proves later that nothing before it was changed."""
    unsealed: int
    """Rows of the last second or so, which the chain does not have yet."""


async def list_all(
    identity: Identity, world: World, namespace: Namespace | None, limit: int, after: str = ""
) -> Page[AuditEntry]:
    """Newest first; without a namespace also what concerns the whole server."""
    permitting.require(identity, "list", KIND, namespace)
    return await world.audit.list(namespace, limit, after)


async def verify(identity: Identity, world: World, kept: str = "") -> Report:
    """Go along the whole chain; `kept` is a head of an earlier report. Raises InvalidInput for what is no head."""
    permitting.require(identity, "verify", KIND, None)
    return await look_through(world.audit, kept)


async def look_through(log: AuditLog, kept: str = "") -> Report:
    """The same, when nobody has to be asked: the database is at hand."""
    wanted = head_of(kept) if kept else None
    before = await log.chain()
    walk = Walk(before.start)
    faults: list[str] = []
    if wanted is not None and wanted.position > before.head.position:
        faults.append(f"the chain ends at position {before.head.position}, before the head that was kept")
    while walk.head.position < before.head.position:
        found = [one for one in await log.entries(walk.head.position, BATCH) if one.position <= before.head.position]
        if not found:
            break
        for one in found:
            if wanted is not None and one.position == wanted.position and one.link != wanted.link:
                faults.append(f"position {one.position} is not what it was when its head was kept")
            faults += walk.follow([one])
        if len(faults) >= MOST_FAULTS:
            return _report(faults, walk, before.start, before.unsealed)
        await asyncio.sleep(0)
    after = await log.chain()
    if after.start != before.start:
        # Retention has deleted rows under our feet.
        return await look_through(log, kept)
    faults += walk.end(before.head)
    return _report(faults, walk, before.start, before.unsealed)


def head_of(text: str) -> Head:
    """Raises InvalidInput."""
    found = HEAD.fullmatch(text)
    if found is None:
        raise InvalidInput(f'"{text}" is no head of the audit log', remedy="write it as `audit verify` printed it")
    return Head(position=int(found[1]), link=found[2])


def _report(faults: list[str], walk: Walk, start: Head, unsealed: int) -> Report:
    return Report(faults=tuple(faults[:MOST_FAULTS]), count=walk.count, start=start, head=walk.head, unsealed=unsealed)
