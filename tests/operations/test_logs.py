"""Reading logs: what is being merged or was lost meanwhile, and where each line begins."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.model.identity import Identity
from ensue.model.run import Lease, State
from ensue.operations import logs
from ensue.operations.world import World
from ensue.ports.engine import LogChunk
from ensue.ports.store import LogSegment
from ensue.runtime.hiding import Screen
from ensue.runtime.shipping import LogLine, Shipper
from tests.core.playing import FAILED, NOW, workflow
from tests.runtime.sites import Site, site_at
from tests.store.stores import DEFAULT

ANN = Identity(subject="user:ann", groups=("admin",))


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    async with site_at(tmp_path) as site:
        yield site


class Interrupted:
    """The index, as somebody reads it who is then kept waiting while something else happens."""

    def __init__(self, site: Site, *acts: Callable[[], Awaitable[object]]) -> None:
        self._logs = site.store.logs
        self._acts = list(acts)

    async def list(self, *where: Any) -> tuple[LogSegment, ...]:
        found = await self._logs.list(*where)
        if self._acts:
            await self._acts.pop(0)()
        return found


async def read(site: Site, lease: Lease, *acts: Callable[[], Awaitable[object]], **select: Any) -> list[logs.Line]:
    # A whole world has much that reading does not touch, and no moment between listing and reading.
    parts = {
        "access": site.access(),
        "history": site.store.history,
        "logs": Interrupted(site, *acts),
        "reports": site.store.reports,
        "storage": site.storage,
    }
    world = cast(World, SimpleNamespace(**parts))
    return [line async for line in logs.read(ANN, world, DEFAULT, lease.key.run, logs.Select(**select))]


async def shipped(site: Site, *texts: str) -> tuple[Lease, Shipper]:
    """A log with a segment for each text."""
    await site.store.start(workflow([{"name": "a"}]))
    lease = await site.store.take_one()
    shipper = Shipper(lease=lease, logs=site.store.logs, storage=site.storage, screen=Screen())
    offset = 0
    for text in texts:
        shipper.add(LogChunk(offset, NOW, "stdout", text.encode()))
        await shipper.flush()
        offset += len(text.encode())
    return lease, shipper


SIX = [f"line {number}\n" for number in range(6)]
TEXTS = [text.strip() for text in SIX]


async def test_a_log_that_is_merged_while_it_is_read_is_whole(site: Site) -> None:
    lease, shipper = await shipped(site, *SIX)
    lines = await read(site, lease, shipper.close)
    assert [line.text for line in lines] == TEXTS
    assert [line.offset for line in lines] == [0, 7, 14, 21, 28, 35]


async def test_a_log_that_is_merged_while_it_is_followed_comes_once(site: Site) -> None:
    lease, shipper = await shipped(site, *SIX)

    async def more() -> None:
        shipper.add(LogChunk(42, NOW, "stdout", b"line 6\n"))
        await shipper.flush()

    async def end() -> None:
        rest = await shipper.close()
        await site.store.end(lease, log=rest)

    lines = await read(site, lease, more, end, is_followed=True)
    assert [line.text for line in lines] == [*TEXTS, "line 6"]


async def test_what_storage_lost_is_told_once_and_the_rest_is_read(site: Site) -> None:
    lease, _ = await shipped(site, *SIX)
    lost = (await site.store.logs.list(DEFAULT, lease.key.run))[2]
    await site.storage.delete(lost.key)
    lines = await read(site, lease)
    assert [line.text for line in lines] == [*TEXTS[:2], "7 bytes of log are missing", *TEXTS[3:]]
    assert (lines[2].stream, lines[2].offset) == ("system", 14)


async def test_what_is_missing_in_a_row_is_told_as_one_and_gaps_apart_each_by_itself(site: Site) -> None:
    lease, _ = await shipped(site, *SIX)
    for number, lost in enumerate(await site.store.logs.list(DEFAULT, lease.key.run)):
        if number != 3:
            await site.storage.delete(lost.key)
    lines = await read(site, lease)
    assert [(line.offset, line.text) for line in lines] == [
        (0, "21 bytes of log are missing"),
        (21, TEXTS[3]),
        (28, "14 bytes of log are missing"),
    ]


async def test_what_is_missing_of_one_attempt_is_told_before_the_next_one(site: Site) -> None:
    step = {"name": "a", "retry": {"limit": 1, "backoff": {"duration": "0s"}}}
    await site.store.start(workflow([step]))

    async def failed(text: str) -> Lease:
        lease = await site.store.take_one()
        shipper = Shipper(lease=lease, logs=site.store.logs, storage=site.storage, screen=Screen())
        for part in range(3):
            shipper.add(LogChunk(part * len(text), NOW, "stdout", text.encode()))
            await shipper.flush()
        await site.store.end(lease, FAILED)
        return lease

    await failed("lost\n")
    lease = await failed("kept\n")
    for one in await site.store.logs.list(DEFAULT, lease.key.run):
        if one.attempt == 1:
            await site.storage.delete(one.key)
    lines = await read(site, lease)
    assert [(line.attempt, line.text) for line in lines] == [(1, "15 bytes of log are missing"), *[(2, "kept")] * 3]


async def test_a_gap_that_grows_while_it_is_followed_is_told_once(site: Site) -> None:
    lease, shipper = await shipped(site, *SIX[:2])

    async def lose() -> None:
        for one in await site.store.logs.list(DEFAULT, lease.key.run):
            await site.storage.delete(one.key)

    async def more_then_lose() -> None:
        shipper.add(LogChunk(14, NOW, "stdout", SIX[2].encode()))
        await shipper.flush()
        await lose()

    async def end() -> None:
        await site.store.end(lease)

    lines = await read(site, lease, lose, more_then_lose, end, is_followed=True)
    assert [line.text for line in lines] == ["21 bytes of log are missing"]


async def test_a_merged_log_that_storage_lost_is_told_from_where_it_was_read(site: Site) -> None:
    lease, shipper = await shipped(site, *SIX)

    async def lose() -> None:
        await shipper.close()
        (merged,) = await site.store.logs.list(DEFAULT, lease.key.run)
        await site.storage.delete(merged.key)

    async def none() -> None:
        pass

    async def more_then_lose() -> None:
        shipper.add(LogChunk(42, NOW, "stdout", b"line 6\n"))
        await shipper.flush()
        await lose()

    async def end() -> None:
        await site.store.end(lease)

    lines = await read(site, lease, none, more_then_lose, end, is_followed=True)
    assert [line.text for line in lines] == [*TEXTS, "7 bytes of log are missing"]
    assert (await site.store.history.run(DEFAULT, lease.key.run)).state is State.SUCCEEDED


async def test_lines_of_one_piece_have_offsets_of_their_own(site: Site) -> None:
    lease, _ = await shipped(site, "one\nzwö\n\nlast", "\nnext\n")
    lines = await read(site, lease, since=NOW - timedelta(seconds=1))
    assert [(line.offset, line.text) for line in lines] == [
        (0, "one"),
        (4, "zwö"),
        (9, ""),
        (10, "last"),
        (14, ""),
        (15, "next"),
    ]


@given(st.lists(st.lists(st.binary(min_size=1, max_size=6), min_size=1, max_size=4), min_size=1, max_size=5))
def test_offsets_rise_from_line_to_line_whatever_was_replaced(pieces: list[list[bytes]]) -> None:
    """Bytes that are not UTF-8 become longer, secrets shorter."""
    found: list[tuple[int, str]] = []
    offset = 0
    for lines in pieces:
        data = b"\n".join(lines) + b"\n"
        for text in (data.decode("utf-8", "replace"), data.replace(lines[0], b"*").decode("utf-8", "replace")):
            found += logs.split(LogLine(offset, NOW, "stdout", text, len(data)))
            offset += len(data)
    offsets = [at for at, _ in found]
    assert offsets == sorted(set(offsets))
    assert offsets[0] >= 0
    assert offsets[-1] < offset
