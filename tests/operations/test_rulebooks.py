"""Rules of namespaces at hand, however many names senders make up."""

import asyncio
import gc
import itertools
from collections.abc import Mapping

import pytest

from ensue.model.values import DefinitionHash, Json, Namespace
from ensue.operations import events
from ensue.ports.store import Snapshot
from ensue.runtime import intake, ruling
from ensue.runtime.intake import Intake
from ensue.runtime.ruling import Rulebooks
from tests.operations.places import ANN, Place


async def test_namespaces_that_nobody_defined_anything_in_do_not_pile_up(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ruling, "MOST", 5)
    await place.trigger("one")
    books = Rulebooks(definitions=place.world.definitions)
    ours = await books.of(Namespace("default"))
    await asyncio.gather(*(books.of(Namespace(f"made-up-{number}")) for number in range(20)))
    gc.collect()
    assert (len(books._books), len(books._rules), len(books._locks)) == (5, 1, 0)
    assert await books.of(Namespace("default")) is ours


async def test_those_who_ask_at_once_get_what_one_of_them_read(place: Place) -> None:
    books = Rulebooks(definitions=place.world.definitions)
    found = await asyncio.gather(*(books.of(Namespace("default")) for _ in range(5)))
    assert all(each is found[0] for each in found)


async def test_the_actions_of_all_triggers_that_fire_are_stored_in_one_transaction(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        await place.trigger(f"t{number}", actions=[{"name": f"a{number}", "type": "log", "with": {"message": "hi"}}])
    kept = []
    keep = place.world.definitions.keep

    async def counted(bodies: Mapping[DefinitionHash, Mapping[str, Json]]) -> None:
        kept.append(len(bodies))
        await keep(bodies)

    monkeypatch.setattr(place.world.definitions, "keep", counted)
    await place.send_one()
    await place.send_one()
    assert kept == [5]
    assert {run.trigger for run in await place.runs()} == {f"t{number}" for number in range(5)}


async def test_what_was_stored_is_remembered_of_so_many_triggers_only(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(intake, "MOST_KEPT", 3)
    door = place.world.intake
    assert isinstance(door, Intake)
    for number in range(5):
        await place.trigger("t", actions=[{"name": f"a{number}", "type": "log", "with": {"message": "hi"}}])
        await place.send_one()
    assert [generation for _, generation in door._kept] == [3, 4, 5]


async def test_events_are_decided_about_while_definitions_never_stay_the_same(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    await place.trigger("t", filter={"cel": "event.data.n == 0"})
    await place.send_one()
    changes = itertools.count(1)
    read = place.world.definitions.snapshot

    async def changed(namespace: Namespace, revision: int | None = None) -> Snapshot:
        found = await read(namespace, revision)
        await place.trigger("t", filter={"cel": f"event.data.n == {next(changes)}"})
        return found

    await place.trigger("other")
    monkeypatch.setattr(place.world.definitions, "snapshot", changed)
    uid = await place.send_one(data={"n": intake.MOST_TRIES - 2})
    monkeypatch.undo()
    assert next(changes) == intake.MOST_TRIES
    assert await place.decided(uid) == {"t": "fired", "other": "fired"}
    assert await place.explained(uid) == {"t": "fired", "other": "fired"}
    stored = await events.get(ANN, place.world, Namespace("default"), uid)
    assert stored.revision == (await place.world.definitions.revision(Namespace("default"))) - 1
    assert await place.decided(await place.send_one(data={"n": intake.MOST_TRIES - 1})) == {
        "t": "fired",
        "other": "fired",
    }
