"""Port Origins: which file defines what, one follower each."""

import asyncio

import pytest

from ensue.core.following import Key
from ensue.model.errors import Conflict, Problem, Severity
from ensue.model.values import Namespace
from ensue.ports.origins import FILE, Origin
from tests.store.stores import ANN, DEFAULT, Store
from tests.store.test_definitions import definition, put

BUILD: Key = ("default", "Workflow", "build")
OTHER: Key = ("other", "Workflow", "build")
PROBLEM = Problem(message="näh\0", remedy="x", path="spec", file="a.yaml", line=3, severity=Severity.WARNING)


def origin(key: Key = BUILD, follower: str = "f", file: str = "/a.yaml", *problems: Problem) -> Origin:
    return Origin(key=key, follower=follower, file=file, line=1, problems=problems)


async def test_an_origin_is_found_by_follower_kind_namespace_and_name(store: Store) -> None:
    one, two = origin(), origin(OTHER)
    assert await store.origins.claim([two, one]) == ()
    assert await store.origins.list("f") == (one, two)
    assert await store.origins.list("g") == ()
    assert set(await store.origins.find("Workflow", None)) == {one, two}
    assert await store.origins.find("Workflow", DEFAULT) == (one,)
    assert await store.origins.find("Workflow", Namespace("other"), "build") == (two,)
    assert await store.origins.find("Trigger", None) == ()


async def test_a_claim_replaces_what_the_same_follower_said_before(store: Store) -> None:
    await store.origins.claim([origin()])
    await store.origins.claim([origin(BUILD, "f", "/b.yaml", PROBLEM)])
    (found,) = await store.origins.list("f")
    assert (found.file, found.problems[0].line, found.problems[0].severity) == ("/b.yaml", 3, Severity.WARNING)
    await store.origins.claim([origin()])
    assert (await store.origins.list("f"))[0].problems == ()


async def test_what_another_follower_has_stays_its_own(store: Store) -> None:
    await store.origins.claim([origin()])
    taken = await store.origins.claim([origin(BUILD, "g"), origin(OTHER, "g")])
    assert taken == (origin(),)
    await store.origins.release("g", [BUILD])
    assert await store.origins.list("f") == (origin(),)
    await store.origins.release("f", [BUILD])
    assert await store.origins.claim([origin(BUILD, "g")]) == ()


async def test_of_many_that_claim_at_once_one_succeeds(store: Store) -> None:
    said = await asyncio.gather(
        *(store.origins.claim([origin(BUILD, f"f{n}"), origin(OTHER, f"f{n}")]) for n in range(8))
    )
    assert sorted(len(others) for others in said) == [0] + [2] * 7


async def test_a_write_of_another_manager_names_the_file(store: Store) -> None:
    await put(store, definition(), manager=FILE)
    await store.origins.claim([origin()])
    with pytest.raises(Conflict, match=r"managed by file: /a\.yaml:1") as raised:
        await put(store, definition(script="false"))
    assert "--take-over" in raised.value.remedy
    with pytest.raises(Conflict, match=r"managed by file: /a\.yaml:1"):
        await store.definitions.delete(DEFAULT, "Workflow", "build", ANN, manager="api")


async def test_with_a_definition_goes_its_origin(store: Store) -> None:
    await put(store, definition(), manager=FILE)
    await store.origins.claim([origin()])
    await store.definitions.delete(DEFAULT, "Workflow", "build", ANN, manager=FILE)
    assert await store.origins.list("f") == ()


async def test_a_rehearsal_says_what_would_be_and_changes_nothing(store: Store) -> None:
    first = await put(store, definition(), is_rehearsal=True)
    assert (first.generation, await store.definitions.history(DEFAULT, "Workflow", "build")) == (1, ())
    await put(store, definition())
    before = await store.rows("SELECT * FROM audit"), await store.rows("SELECT * FROM namespaces")
    assert (await put(store, definition(script="false"), is_rehearsal=True)).generation == 2
    with pytest.raises(Conflict):
        await put(store, definition(), manager="git", is_rehearsal=True)
    assert (await store.rows("SELECT * FROM audit"), await store.rows("SELECT * FROM namespaces")) == before
    assert (await store.definitions.get(DEFAULT, "Workflow", "build")).generation == 1
