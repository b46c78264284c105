"""What pull sources remember: the first to say something is heard, a new basis begins anew."""

from dataclasses import replace

from ensue.model.values import DEFAULT_NAMESPACE, Namespace
from ensue.ports.pulling import Claim
from ensue.store.memories import Memories
from tests.store.stores import Store

CLAIM = Claim(namespace=DEFAULT_NAMESPACE, key="Source/a", basis="one")


async def at_revision(store: Store, revision: int, namespace: str = "default") -> Memories:
    await store.execute("INSERT INTO namespaces (name, revision) VALUES ($1, $2)", namespace, revision)
    return Memories(driver=store.driver)


async def test_all_who_begin_are_told_what_the_first_said(store: Store) -> None:
    memories = await at_revision(store, 3)
    assert await memories.recall(CLAIM, {"since": 1}, 3) == {"since": 1}
    assert await memories.recall(CLAIM, {"since": 2}, 3) == {"since": 1}
    await memories.remember(CLAIM, {"since": 1, "last": 5})
    assert await memories.recall(CLAIM, {"since": 3}, 3) == {"since": 1, "last": 5}
    assert await memories.of(DEFAULT_NAMESPACE, "Source/a") == {"since": 1, "last": 5}
    assert await memories.of(DEFAULT_NAMESPACE, "Source/b") == {}


async def test_another_basis_begins_anew_and_the_old_one_writes_nothing_more(store: Store) -> None:
    memories = await at_revision(store, 3)
    new = replace(CLAIM, basis="two")
    await memories.recall(CLAIM, {"since": 1}, 3)
    assert await memories.recall(new, {"since": 2}, 3) == {"since": 2}
    await memories.remember(CLAIM, {"since": 1, "last": 9})
    assert await memories.of(DEFAULT_NAMESPACE, "Source/a") == {"since": 2}


async def test_who_has_not_seen_the_latest_definitions_neither_begins_nor_forgets(store: Store) -> None:
    memories = await at_revision(store, 3)
    assert await memories.recall(CLAIM, {"since": 1}, 2) is None
    await memories.recall(CLAIM, {"since": 1}, 3)
    await memories.keep_only(DEFAULT_NAMESPACE, (), 2)
    assert await memories.of(DEFAULT_NAMESPACE, "Source/a") == {"since": 1}
    assert await memories.revisions() == {"default": 3}


async def test_what_is_no_longer_wanted_is_forgotten_at_every_place_of_its_namespace(store: Store) -> None:
    memories = await at_revision(store, 3)
    await at_revision(store, 1, "other")
    elsewhere = replace(CLAIM, namespace=Namespace("other"))
    kept = replace(CLAIM, key="Source/kept")
    for claim, revision in ((CLAIM, 3), (replace(CLAIM, place="here"), 3), (kept, 3), (elsewhere, 1)):
        await memories.recall(claim, {"n": 1}, revision)
    await memories.keep_only(DEFAULT_NAMESPACE, ["Source/kept"], 3)
    rows = await store.rows("SELECT namespace, source_key, place FROM source_memories ORDER BY namespace")
    assert rows == [("default", "Source/kept", ""), ("other", "Source/a", "")]
    assert await memories.recall(CLAIM, {"n": 2}, 3) == {"n": 2}
