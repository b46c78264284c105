"""Files through the loop of a server: created, changed, deleted, also while no server ran."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ensue.model.values import DEFAULT_NAMESPACE
from ensue.ports.pulling import SourceState
from ensue.sources.file import watching
from tests.operations.places import LOG, Place
from tests.runtime import pulling
from tests.runtime.pulling import Hand, Server, server_at, statuses
from tests.runtime.sites import eventually


@pytest.fixture(autouse=True)
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    pulling.quick(monkeypatch)
    monkeypatch.setattr(watching, "BLIND_LOOK_SECONDS", 0.05)


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    (tmp_path / "inbox").mkdir()
    return tmp_path / "inbox"


async def watch(place: Place, path: Path, **given: Any) -> None:
    source = {"type": "file", "with": {"path": str(path), "debounce": "50ms", **given}}
    await place.apply("Trigger", "files", {"sources": [source], "actions": [LOG]})


def server(place: Place, name: str = "one") -> Server:
    return server_at(place, Hand(datetime.now(UTC)), name)


async def at_work(one: Server, state: SourceState = SourceState.ACTIVE) -> None:
    """It has looked once."""
    await eventually(lambda: [each.state for each in statuses(one) if each.notes] == [state])


async def told(place: Place, *expected: str) -> None:
    async def is_told() -> bool:
        return len(await happened(place)) >= len(expected)

    await eventually(is_told)
    assert sorted(await happened(place)) == sorted(expected)


async def remembered(place: Place, *names: str) -> None:
    """What was told of these files is behind every server."""

    async def is_so() -> bool:
        rows = await place.rows("SELECT memory FROM source_memories")
        return all(f'/{name}"' in row[0] for row in rows for name in names)

    await eventually(is_so)


async def happened(place: Place) -> list[str]:
    """As `created a.csv`."""
    found = [one.event for one in (await place.world.feed.read(None)).items]
    return [f"{event.type.split('.')[3]} {event.data['name']}" for event in found]  # type: ignore[index,call-overload]


async def test_what_happens_to_files_is_told_and_what_was_there_is_not(place: Place, inbox: Path) -> None:
    (inbox / "old.csv").write_text("old", encoding="utf-8")
    await watch(place, inbox, ignore=["*.tmp"])
    one = server(place)
    async with one.running():
        await at_work(one)
        (inbox / "half.tmp").write_text("x", encoding="utf-8")
        (inbox / "new.csv").write_text("12345", encoding="utf-8")
        await told(place, "created new.csv")
        (inbox / "new.csv").write_text("123456", encoding="utf-8")
        await told(place, "created new.csv", "changed new.csv")
        (inbox / "old.csv").unlink()
        await told(place, "created new.csv", "changed new.csv", "deleted old.csv")
    event = (await place.world.feed.read(None)).items[0].event
    path = str(inbox / "new.csv")
    assert (event.type, event.subject, event.source) == (
        "dev.ensue.file.created.v1",
        path,
        "/ensue/triggers/default/files/file",
    )
    assert isinstance(event.data, dict)
    assert event.data | {"modified": ""} == {
        "path": path,
        "name": "new.csv",
        "directory": str(inbox),
        "size": 5,
        "modified": "",
    }
    assert await place.decided(event.uid) == {"files": "fired"}


async def test_what_happened_while_no_server_ran_is_told_by_the_next_once(place: Place, inbox: Path) -> None:
    for name in ("stays", "goes", "grows"):
        (inbox / name).write_text(name, encoding="utf-8")
    await watch(place, inbox)
    first = server(place)
    async with first.running():
        await at_work(first)
    (inbox / "goes").unlink()
    (inbox / "grows").write_text("much longer", encoding="utf-8")
    (inbox / "comes").write_text("here", encoding="utf-8")
    for _ in range(2):
        next_ = server(place)
        async with next_.running():
            await at_work(next_)
            await told(place, "deleted goes", "changed grows", "created comes")
    assert len(await happened(place)) == 3


async def test_what_was_told_and_not_remembered_is_not_told_twice(
    place: Place, inbox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await watch(place, inbox)
    first = server(place)
    async with first.running():
        await at_work(first)

        async def killed(*args: object) -> None:
            raise RuntimeError("killed")

        monkeypatch.setattr(first.puller._records.memories, "remember", killed)
        (inbox / "a").write_text("a", encoding="utf-8")
        await told(place, "created a")
        await eventually(lambda: [each.state for each in statuses(first)] == [SourceState.FAILING])
    again = server(place)
    async with again.running():
        await at_work(again)
        (inbox / "b").write_text("b", encoding="utf-8")
        await told(place, "created a", "created b")
        await remembered(place, "a", "b")
    assert sorted(await happened(place)) == ["created a", "created b"]


async def test_a_directory_that_is_not_there_is_waited_for_and_that_is_said(place: Place, inbox: Path) -> None:
    later = inbox / "later"
    await watch(place, later)
    one = server(place)
    async with one.running():
        await at_work(one, SourceState.WAITING)
        stored = await place.world.definitions.get(DEFAULT_NAMESPACE, "Trigger", "files")
        assert "it is waited for" in one.puller.problems(stored)[0].message
        later.mkdir()
        await at_work(one)
        (later / "a").write_text("a", encoding="utf-8")
        await told(place, "created a")
        # One that is taken away and comes back: nothing in it was deleted, and what is new is told.
        later.rename(inbox / "away")
        await at_work(one, SourceState.WAITING)
        (inbox / "away" / "b").write_text("b", encoding="utf-8")
        (inbox / "away").rename(later)
        await told(place, "created a", "created b")


async def test_only_the_changes_that_are_asked_for_are_told_and_existing_files_when_wanted(
    place: Place, inbox: Path
) -> None:
    (inbox / "old").write_text("old", encoding="utf-8")
    await watch(place, inbox, existing=True, events=["created"])
    one = server(place)
    async with one.running():
        await told(place, "created old")
        (inbox / "old").unlink()
        (inbox / "new").write_text("new", encoding="utf-8")
        await told(place, "created old", "created new")
    assert sorted(await happened(place)) == ["created new", "created old"]


async def test_two_servers_that_see_the_same_files_tell_each_change_once(place: Place, inbox: Path) -> None:
    await watch(place, inbox)
    one, two = server(place, "one"), server(place, "two")
    async with one.running(), two.running():
        await at_work(one)
        await at_work(two)
        for number in range(5):
            (inbox / f"f{number}").write_text("x", encoding="utf-8")
        await told(place, *(f"created f{number}" for number in range(5)))
        await remembered(place, *(f"f{number}" for number in range(5)))
    assert len(await happened(place)) == 5
