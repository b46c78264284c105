"""Rules of namespaces at hand, however many names senders make up."""

import asyncio
import contextlib
import gc
import itertools
import random
from collections.abc import Mapping

import pytest

from ensue.model.errors import NotFound
from ensue.model.identity import Identity
from ensue.model.values import DEFAULT_NAMESPACE, DefinitionHash, Json, Namespace
from ensue.operations import definitions, events
from ensue.ports.store import Snapshot
from ensue.runtime import intake, ruling
from ensue.runtime.intake import Intake
from ensue.runtime.ruling import Rulebook, Rulebooks
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
    assert (len(books._books), len(books._locks)) == (5, 0)
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

    async def changed(namespace: Namespace, revision: int | None = None, since: int = 0) -> Snapshot:
        found = await read(namespace, revision, since)
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


def content(book: Rulebook) -> object:
    rules = {
        uid: (rule.name, rule.generation, rule.trigger.spec, rule.problem) for uid, rule in book.ruling.rules.items()
    }
    return book.revision, rules, book.ruling.names, book.workflows, book.appliers


async def change(place: Place, choice: random.Random) -> None:
    """Something, at random: one is new, is another than before or the same, or is gone."""
    kind, name = choice.choice(["Trigger", "Workflow", "Source"]), f"o{choice.randrange(4)}"
    by = Identity(subject=f"user:{choice.randrange(2)}", groups=("admin",))
    said: Json = [{"name": "say", "type": "log", "with": {"message": str(choice.randrange(3))}}]
    match kind, choice.randrange(4):
        case _, 0:
            with contextlib.suppress(NotFound):
                await definitions.delete(by, place.world, DEFAULT_NAMESPACE, kind, name)
        case "Trigger", _:
            await place.apply("Trigger", name, {"sources": [{"type": "events"}], "actions": said}, by)
        case "Workflow", _:
            await place.apply("Workflow", name, {"steps": said}, by)
        case _:
            given: Json = {"schedule": choice.choice(["@daily", "@hourly"])}
            await place.apply("Source", name, {"type": "cron", "with": given}, by)


@pytest.mark.parametrize("seed", range(2))
async def test_a_book_that_was_brought_up_to_date_is_as_one_that_was_read_whole(place: Place, seed: int) -> None:
    choice = random.Random(seed)
    books = Rulebooks(definitions=place.world.definitions)
    for _ in range(12):
        for _ in range(choice.randrange(4)):
            await change(place, choice)
        books.forget(await books.of(DEFAULT_NAMESPACE), DEFAULT_NAMESPACE)
        whole = Rulebooks(definitions=place.world.definitions)
        assert content(await books.of(DEFAULT_NAMESPACE)) == content(await whole.of(DEFAULT_NAMESPACE))


async def test_only_what_was_changed_is_read_again_and_rules_that_stay_are_kept(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two", "three"):
        await place.trigger(name)
    books = Rulebooks(definitions=place.world.definitions)
    before = await books.of(DEFAULT_NAMESPACE)
    read, seen = place.world.definitions.snapshot, []

    async def noted(namespace: Namespace, revision: int | None = None, since: int = 0) -> Snapshot:
        found = await read(namespace, revision, since)
        seen.append([each.name for each in found.definitions])
        return found

    monkeypatch.setattr(place.world.definitions, "snapshot", noted)
    await place.trigger("two", enabled=False)
    await definitions.delete(ANN, place.world, DEFAULT_NAMESPACE, "Trigger", "three")
    books.forget(before, DEFAULT_NAMESPACE)
    after = await books.of(DEFAULT_NAMESPACE)
    assert seen == [["two"]]
    (uid,) = (uid for uid, rule in before.ruling.rules.items() if rule.name == "one")
    assert after.ruling.rules[uid] is before.ruling.rules[uid]
    assert sorted(rule.name for rule in after.ruling.rules.values()) == ["one", "two"]


async def test_a_book_of_before_a_restore_is_read_whole(place: Place) -> None:
    await place.trigger("one")
    books = Rulebooks(definitions=place.world.definitions)
    await place.trigger("two")
    before = await books.of(DEFAULT_NAMESPACE)
    await place.execute("DELETE FROM definitions WHERE name = 'two'")
    await place.execute("UPDATE namespaces SET revision = 1")
    books.forget(before, DEFAULT_NAMESPACE)
    after = await books.of(DEFAULT_NAMESPACE)
    assert (after.revision, list(after.ruling.names.values())) == (1, ["one"])
