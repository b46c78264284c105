"""Port Definitions: bodies by content, objects with history, one manager each."""

import asyncio
import json
from typing import Any

import pytest

from ensue.core import canonical
from ensue.model.definition import Dialect
from ensue.model.errors import Changed, Conflict, NotFound
from ensue.model.values import DefinitionHash, Json, Namespace
from ensue.ports.store import StoredDefinition
from tests.core.playing import workflow
from tests.store.stores import ANN, DEFAULT, Store, body_of


def definition(name: str = "build", script: str = "true", **metadata: Any) -> dict[str, Json]:
    body, _ = body_of(workflow([{"name": "a", "run": script}]))
    return {**body, "metadata": {"name": name, **metadata}}


async def put(store: Store, body: dict[str, Json], manager: str = "api", **given: Any) -> StoredDefinition:
    hash = canonical.definition_hash(body, Dialect.ENSUE)
    return await store.definitions.put(body, hash, Dialect.ENSUE, manager, ANN, **{"uid": "u1", **given})


async def revision(store: Store, namespace: str = "default") -> int:
    return int((await store.rows("SELECT max(revision) FROM namespaces WHERE name = $1", namespace))[0][0])


async def test_a_new_definition_is_generation_one(store: Store) -> None:
    body = definition(labels={"team": "a"})
    stored = await put(store, body)
    assert (stored.namespace, stored.kind, stored.name, stored.uid) == ("default", "Workflow", "build", "u1")
    assert (stored.generation, stored.manager, stored.dialect) == (1, "api", Dialect.ENSUE)
    assert stored.body == body
    assert await store.definitions.get(DEFAULT, "Workflow", "build") == stored


async def test_a_changed_spec_is_the_next_generation_of_the_same_object(store: Store) -> None:
    first = await put(store, definition())
    second = await put(store, definition(script="false"), uid="u2")
    assert (second.uid, second.generation, second.created_at) == ("u1", 2, first.created_at)
    assert second.hash != first.hash
    back = await put(store, definition())
    assert (back.generation, back.hash) == (3, first.hash)


async def test_changed_metadata_alone_is_no_new_generation(store: Store) -> None:
    await put(store, definition())
    stored = await put(store, definition(labels={"a": "b"}))
    assert stored.generation == 1
    assert stored.body["metadata"] == {"name": "build", "labels": {"a": "b"}}
    assert len(await store.definitions.history(DEFAULT, "Workflow", "build")) == 2


async def test_applying_the_same_again_changes_nothing(store: Store) -> None:
    first = await put(store, definition())
    assert await put(store, definition()) == first
    assert len(await store.definitions.history(DEFAULT, "Workflow", "build")) == 1
    assert len((await store.history.audit(DEFAULT, 10)).items) == 1


async def test_the_history_is_newest_first(store: Store) -> None:
    for script in ("one", "two", "three"):
        await put(store, definition(script=script))
    history = await store.definitions.history(DEFAULT, "Workflow", "build")
    assert [item.generation for item in history] == [3, 2, 1]
    assert await store.definitions.history(DEFAULT, "Workflow", "other") == ()


async def test_another_manager_is_refused_by_name_unless_it_takes_over(store: Store) -> None:
    await put(store, definition(), manager="git")
    with pytest.raises(Conflict, match="Workflow build is managed by git") as raised:
        await put(store, definition(script="false"), manager="api")
    assert "--take-over" in raised.value.remedy
    assert (await store.definitions.get(DEFAULT, "Workflow", "build")).generation == 1
    taken = await put(store, definition(), manager="api", take_over=True)
    assert (taken.manager, taken.generation) == ("api", 1)
    with pytest.raises(Conflict, match="managed by api"):
        await put(store, definition(), manager="git")


async def test_equal_bodies_are_stored_once_whatever_their_names(store: Store) -> None:
    one = await put(store, definition("one"))
    two = await put(store, definition("two", namespace="other"))
    assert one.hash == two.hash
    ((body,),) = await store.rows("SELECT body FROM bodies")
    assert "metadata" not in json.loads(body)


async def test_each_change_raises_the_revision_of_its_namespace_alone(store: Store) -> None:
    await put(store, definition())
    await put(store, definition("x", namespace="other"))
    before = await revision(store)
    await put(store, definition(script="false"))
    assert await revision(store) == before + 1
    assert await revision(store, "other") == 1
    rows = await store.rows("SELECT from_revision, to_revision FROM definitions WHERE namespace = 'default' ORDER BY 1")
    assert rows == [(1, 2), (2, None)]


async def test_a_deleted_definition_is_gone_but_in_history(store: Store) -> None:
    await put(store, definition())
    await store.definitions.delete(DEFAULT, "Workflow", "build", ANN)
    with pytest.raises(NotFound):
        await store.definitions.get(DEFAULT, "Workflow", "build")
    with pytest.raises(NotFound):
        await store.definitions.delete(DEFAULT, "Workflow", "build", ANN)
    assert len(await store.definitions.history(DEFAULT, "Workflow", "build")) == 1
    again = await put(store, definition(), manager="git", uid="u9")
    assert (again.uid, again.generation, again.manager) == ("u9", 1, "git")


async def test_lists_are_of_one_kind_by_namespace_and_name(store: Store) -> None:
    for name, namespace in (("b", "default"), ("a", "default"), ("c", "another")):
        await put(store, definition(name, namespace=namespace))
    await put(store, {**definition("t"), "kind": "Trigger"})
    assert [item.name for item in await store.definitions.list(DEFAULT, "Workflow")] == ["a", "b"]
    assert [item.name for item in await store.definitions.list(None, "Workflow")] == ["c", "a", "b"]
    assert await store.definitions.list(Namespace("empty"), "Workflow") == ()


async def test_a_body_is_kept_without_a_name(store: Store) -> None:
    body, hash = body_of(workflow([{"name": "a"}]))
    await store.definitions.keep({hash: body})
    await store.definitions.keep({hash: body})
    assert list((await store.definitions.graph(hash, "any")).nodes) == ["a"]
    with pytest.raises(NotFound):
        await store.definitions.graph(DefinitionHash("0" * 64), "x")


async def test_many_that_apply_at_once_leave_one_current_version(store: Store) -> None:
    stored = await asyncio.gather(*(put(store, definition(script=f"echo {n}"), uid=f"u{n}") for n in range(12)))
    assert sorted(item.generation for item in stored) == list(range(1, 13))
    assert len({item.uid for item in stored}) == 1
    current = await store.definitions.get(DEFAULT, "Workflow", "build")
    assert current.generation == 12
    assert await store.rows("SELECT count(*) FROM definitions WHERE to_revision IS NULL") == [(1,)]


async def test_a_change_may_depend_on_the_revision(store: Store) -> None:
    with pytest.raises(Changed):
        await put(store, definition(), expected=1)
    first = await put(store, definition(), expected=0)
    with pytest.raises(Changed):
        await put(store, definition(), expected=0)
    second = await put(store, definition(labels={"a": "b"}), expected=first.revision)
    assert second.revision > first.revision
    for expected in (first.revision, 0):
        with pytest.raises(Changed):
            await put(store, definition(script="false"), expected=expected)
        with pytest.raises(Changed):
            await store.definitions.delete(DEFAULT, "Workflow", "build", ANN, expected)
    assert await store.definitions.get(DEFAULT, "Workflow", "build") == second
    await store.definitions.delete(DEFAULT, "Workflow", "build", ANN, second.revision)


async def test_of_changes_at_once_that_depend_on_the_same_revision_one_is_made(store: Store) -> None:
    first = await put(store, definition())
    puts = [put(store, definition(script=f"exit {number}"), expected=first.revision) for number in range(5)]
    made = await asyncio.gather(*puts, return_exceptions=True)
    assert [type(each).__name__ for each in made].count("Changed") == 4


async def test_a_snapshot_of_changes_has_what_is_new_and_the_names_of_all(store: Store) -> None:
    for name in ("stays", "changes", "goes"):
        await put(store, definition(name))
    await put(store, definition("elsewhere", namespace="other"))
    since = await revision(store)
    await put(store, definition("changes", script="false"))
    await put(store, definition("comes"))
    await store.definitions.delete(DEFAULT, "Workflow", "goes", ANN)
    now = await store.definitions.snapshot(DEFAULT)
    changed = await store.definitions.snapshot(DEFAULT, since=since)
    assert sorted(each.name for each in changed.definitions) == ["changes", "comes"]
    assert (changed.revision, changed.names) == (now.revision, now.names)
    assert sorted(name for _, name in now.names) == ["changes", "comes", "stays"]
