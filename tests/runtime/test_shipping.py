"""From an attempt's log to segments and their index: no byte twice, none missing, whatever fails on the way."""

import asyncio
import gzip
import itertools
import tempfile
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.model.errors import NotFound, Unavailable
from ensue.model.run import Lease
from ensue.ports.engine import LogChunk
from ensue.ports.store import Ending, LogSegment
from ensue.runtime import patience, shipping
from ensue.runtime.hiding import Screen
from ensue.runtime.shipping import Shipper
from ensue.storage.directory import DirectoryStorage
from ensue.store.statement import Begin
from tests.core.playing import NOW, SUCCEEDED, workflow
from tests.runtime.sites import Site, site_at
from tests.store.stores import DEFAULT

ONE_STEP = workflow([{"name": "a"}])


class Shaky(DirectoryStorage):
    """Storage whose next writes can fail."""

    failures = 0

    async def write(self, key: str, data: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise Unavailable
        await super().write(key, data)


def chunks(*texts: str, offset: int = 0) -> list[LogChunk]:
    made = []
    for text in texts:
        made.append(LogChunk(offset, NOW, "stdout", text.encode()))
        offset += len(text.encode())
    return made


async def stream(*given: LogChunk) -> AsyncIterator[LogChunk]:
    for chunk in given:
        yield chunk


async def leased(site: Site) -> Lease:
    await site.store.start(ONE_STEP)
    return await site.store.take_one()


def shipper_of(site: Site, lease: Lease, screen: Screen | None = None) -> Shipper:
    return Shipper(lease=lease, logs=site.store.logs, storage=site.storage, screen=screen or Screen())


async def index(site: Site, lease: Lease) -> tuple[LogSegment, ...]:
    return await site.store.logs.list(DEFAULT, lease.key.run)


async def whole(site: Site, lease: Lease, rest: tuple[LogSegment, ...] = ()) -> str:
    """The log as readers get it, its offsets checked."""
    lines = []
    for segment in (*await index(site, lease), *rest):
        found = await shipping.read(site.storage, segment)
        assert (found[0].offset, found[-1].end) == (segment.start, segment.end)
        lines += found
    for before, after in itertools.pairwise(lines):
        assert before.end == after.offset
    assert not lines or lines[0].offset == 0
    return "".join(line.text for line in lines)


async def files(site: Site) -> list[str]:
    return sorted([key async for key in site.storage.list("")])


async def test_a_short_log_stays_in_the_index_row(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    await shipper.pump(stream(*chunks("one\n", "zwö\n")))
    (segment,) = rest = await shipper.close()
    assert (segment.start, segment.end, segment.key) == (0, 9, "")
    assert await whole(site, lease, rest) == "one\nzwö\n"
    assert await files(site) == []


async def test_no_log_is_no_segment(site: Site) -> None:
    shipper = shipper_of(site, await leased(site))
    await shipper.pump(stream(LogChunk(0, NOW, "stdout", b"")))
    assert await shipper.close() == ()


async def test_a_longer_rest_goes_to_storage(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    text = "x" * (shipping.SMALL_BYTES + 1) + "\n"
    await shipper.pump(stream(*chunks(text)))
    (segment,) = rest = await shipper.close()
    assert segment.key == f"logs/{lease.key.run}/a.1/0-{len(text)}.jsonl.gz"
    assert await whole(site, lease, rest) == text


async def test_a_full_segment_is_shipped_while_the_step_runs(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    line = "y" * 65535 + "\n"
    await shipper.pump(stream(*chunks(*[line] * 10)))
    assert [(found.start, found.end) for found in await index(site, lease)] == [(0, 262144), (262144, 524288)]
    assert await whole(site, lease, await shipper.close()) == line * 10


async def test_what_waits_is_shipped_after_a_moment(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)

    async def slow() -> AsyncIterator[LogChunk]:
        yield chunks("early\n")[0]
        await asyncio.sleep(shipping.FIRST_FLUSH * 2)

    await shipper.pump(slow())
    assert len(await index(site, lease)) == 1
    assert await shipper.close() == ()


async def test_many_small_segments_become_few(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    for chunk in chunks(*(f"line {number}\n" for number in range(7))):
        shipper.add(chunk)
        await shipper.flush()
    assert len(await index(site, lease)) == 7
    assert await shipper.close() == ()
    (segment,) = await index(site, lease)
    assert await whole(site, lease) == "".join(f"line {number}\n" for number in range(7))
    assert await files(site) == [segment.key]


class Watched(DirectoryStorage):
    """How many bytes of log are read before some are written."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.held = self.most = 0

    async def read(self, key: str) -> bytes:
        data = await super().read(key)
        self.held += len(gzip.decompress(data))
        self.most = max(self.most, self.held)
        return data

    async def write(self, key: str, data: bytes) -> None:
        self.held = 0
        await super().write(key, data)


async def test_a_merge_holds_a_part_of_the_log_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "MERGED_BYTES", 2000)
    lease = await leased(site)
    storage = site.storage = Watched(site.storage.root)
    shipper = shipper_of(site, lease)
    lines = [f"{number} {'x' * 400}\n" for number in range(40)]
    for chunk in chunks(*lines):
        shipper.add(chunk)
        await shipper.flush()
    assert await shipper.close() == ()
    assert len(await index(site, lease)) == 8
    assert 2000 < storage.most < 4000
    assert await whole(site, lease) == "".join(lines)
    assert await files(site) == sorted(segment.key for segment in await index(site, lease))


async def test_a_merge_takes_in_what_says_that_a_part_was_lost(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "KEEP_TRYING", timedelta(0))
    lease = await leased(site)
    storage = site.storage = Shaky(site.storage.root)
    shipper = shipper_of(site, lease)
    for number, chunk in enumerate(chunks(*"abcdef")):
        storage.failures = 1 if number == 2 else 0
        shipper.add(chunk)
        await shipper.flush()
    assert await shipper.close() == ()
    (segment,) = await index(site, lease)
    assert (segment.key != "", segment.body) == (True, "")
    assert (await whole(site, lease)).startswith("ab1 bytes of log could not be kept: ")
    assert (await whole(site, lease)).endswith("\ndef")


async def test_a_merge_keeps_what_an_earlier_process_shipped(site: Site) -> None:
    lease = await leased(site)
    first = shipper_of(site, lease)
    given = chunks(*(f"line {number}\n" for number in range(9)))
    for chunk in given[:3]:
        first.add(chunk)
        await first.flush()
    second = shipper_of(site, lease)
    for chunk in given[3:]:
        second.add(chunk)
        await second.flush()
    await second.close()
    assert len(await index(site, lease)) == 4
    assert await whole(site, lease) == "".join(f"line {number}\n" for number in range(9))


async def test_a_merge_that_fails_leaves_the_segments_as_they_are(site: Site) -> None:
    lease = await leased(site)
    storage = site.storage = Shaky(site.storage.root)
    shipper = shipper_of(site, lease)
    for chunk in chunks(*"abcdef"):
        shipper.add(chunk)
        await shipper.flush()
    storage.failures = 1000
    await shipper.close()
    storage.failures = 0
    assert len(await index(site, lease)) == 6
    assert await whole(site, lease) == "abcdef"


async def test_a_segment_that_storage_has_lost_does_not_harm_the_end(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    for chunk in chunks(*"abcdef"):
        shipper.add(chunk)
        await shipper.flush()
    await site.storage.delete((await files(site))[0])
    assert await shipper.close() == ()
    with pytest.raises(NotFound):
        await whole(site, lease)


async def test_storage_that_fails_for_a_while_is_waited_for(site: Site) -> None:
    lease = await leased(site)
    storage = site.storage = Shaky(site.storage.root)
    shipper = shipper_of(site, lease)
    shipper.add(chunks("kept\n")[0])
    storage.failures = 2
    await shipper.flush()
    assert await whole(site, lease) == "kept\n"


async def test_storage_that_stays_away_costs_the_log_and_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipping, "KEEP_TRYING", timedelta(0))
    lease = await leased(site)
    storage = site.storage = Shaky(site.storage.root)
    shipper = shipper_of(site, lease)
    storage.failures = 1000
    shipper.add(chunks("lost\n")[0])
    await shipper.flush()
    shipper.add(chunks("kept\n", offset=5)[0])
    storage.failures = 0
    rest = await shipper.close()
    said = "5 bytes of log could not be kept: The server cannot take this now; try again.\n"
    assert await whole(site, lease, rest) == f"{said}kept\n"


async def test_a_shipper_that_lost_its_lease_ships_no_more(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    shipper.add(chunks("one\n")[0])
    await shipper.flush()
    await site.store.end(lease)
    line = "y" * 65535 + "\n"
    await shipper.pump(stream(*chunks(*[line] * 12, offset=4)))
    assert shipper.is_fenced
    assert [(found.start, found.end) for found in await index(site, lease)] == [(0, 4)]


async def test_the_index_is_waited_for_while_the_store_is_away(site: Site) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    shipper.add(chunks("one\n")[0])
    site.gate.is_away = True
    flushing = asyncio.create_task(shipper.flush())
    await asyncio.sleep(0.05)
    assert not flushing.done()
    site.gate.is_away = False
    await flushing
    assert await whole(site, lease) == "one\n"


async def test_a_pump_that_is_cancelled_while_it_ships_ships_nothing_twice(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = await leased(site)
    shipper = shipper_of(site, lease)
    write, is_written = site.gate.write, asyncio.Event()

    async def slow(begin: Begin[bool]) -> bool:
        answer = await write(begin)
        is_written.set()
        await asyncio.sleep(0.05)
        return answer

    monkeypatch.setattr(site.gate, "write", slow)
    line = "y" * 65535 + "\n"
    pump = asyncio.create_task(shipper.pump(stream(*chunks(*[line] * 6))))
    await is_written.wait()
    pump.cancel()
    await asyncio.wait([pump])
    rest = await shipper.close()
    assert await whole(site, lease, rest) == line * 4


async def test_a_secret_is_masked_wherever_the_log_is_cut_and_offsets_stay(site: Site) -> None:
    lease = await leased(site)
    screen = Screen()
    screen.hide([b"s3cret\nof two lines"])
    shipper = shipper_of(site, lease, screen)
    given = chunks("is s3cret\n", "of two lines!\n", "s3cret\n", "of two")
    for chunk in given:
        shipper.add(chunk)
        await shipper.flush()
    assert [(found.start, found.end) for found in await index(site, lease)] == [(0, 24)]
    rest = await shipper.close()
    assert [(found.start, found.end) for found in rest] == [(24, 37)]
    assert await whole(site, lease, rest) == "is ***\n***!\ns3cret\nof two"


async def test_the_next_process_masks_what_the_last_one_held_back(site: Site) -> None:
    lease = await leased(site)
    given = chunks("plain\n", "s3cret\n", "of two lines\n")
    screens = [Screen(), Screen()]
    for screen in screens:
        screen.hide([b"s3cret\nof two lines"])
    first = shipper_of(site, lease, screens[0])
    for chunk in given[:2]:
        first.add(chunk)
    await first.flush()
    assert await site.store.logs.end(lease) == 6
    second = shipper_of(site, lease, screens[1])
    await second.pump(stream(*given[1:]))
    assert await whole(site, lease, await second.close()) == "plain\n***\n***\n"


LINES = st.lists(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12).map(lambda text: f"{text}\n"), max_size=40
)
ACTS = st.lists(st.sampled_from(["", "", "flush", "restart", "storage fails", "store away", "repeat"]), max_size=40)


@settings(max_examples=40, deadline=None)
@given(LINES, ACTS)
def test_any_log_arrives_whole_and_once_however_it_is_cut(lines: list[str], acts: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(patience, "FIRST_PAUSE", 0.001)
        asyncio.run(_ship(Path(folder), lines, acts))


async def _ship(folder: Path, lines: list[str], acts: list[str]) -> None:
    async with site_at(folder) as site:
        storage = site.storage = Shaky(site.storage.root)
        lease = await leased(site)
        shipper = shipper_of(site, lease)
        given = chunks(*lines)
        at, todo = 0, iter(acts)  # each act is done once, so that restarts end
        while at < len(given):
            shipper.add(given[at])
            at += 1
            match next(todo, ""):
                case "flush":
                    await shipper.flush()
                case "restart":  # as adoption does it: from the end of what is indexed
                    end = await site.store.logs.end(lease)
                    at = next((n for n, chunk in enumerate(given) if chunk.offset >= end), len(given))
                    shipper = shipper_of(site, lease)
                case "storage fails":
                    storage.failures = 1
                    await shipper.flush()
                case "store away":
                    site.gate.is_away = True
                    asyncio.get_running_loop().call_later(0.002, setattr, site.gate, "is_away", False)
                    await shipper.flush()
                case "repeat":
                    site.gate.loses = "Logs.add"
                    await shipper.flush()
                    site.gate.loses = ""
        rest = await shipper.close()
        await site.store.runs.finish(lease, Ending(outcome=SUCCEEDED, log=rest))
        expected = "".join(lines).replace("\0", "\ufffd")
        assert await whole(site, lease) == expected
