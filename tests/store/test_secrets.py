"""Port SealedSecrets: rows in their places, the workflow's own first, and who did what."""

from pathlib import Path

import pytest

from ensue.model.errors import NotFound
from ensue.model.run import Lease
from ensue.model.secret import SecretPlace
from ensue.model.values import Namespace
from ensue.ports.secrets import Sealed
from ensue.ports.store import AuditRow
from ensue.store import backup as copying
from tests.core.playing import workflow
from tests.store.stores import ANN, DEFAULT, Store

OTHER = Namespace("other")
ONE_STEP = workflow([{"name": "a"}])


def place(name: str = "token", **given: str) -> SecretPlace:
    return SecretPlace(**{"namespace": DEFAULT, "name": name, **given})  # type: ignore[arg-type]


def sealed(text: str, key_id: str = "k1") -> Sealed:
    return Sealed(key_id=key_id, nonce=text.encode().ljust(12, b"\0"), body=text.encode().rjust(16, b"\xff"))


async def set_all(store: Store, *places: SecretPlace, key_id: str = "k1") -> None:
    for number, where in enumerate(places):
        await store.secrets.put(where, sealed(f"v{number}", key_id), ANN)


async def lease_of(store: Store) -> Lease:
    await store.start(ONE_STEP)
    return await store.take_one()


async def audit(store: Store, namespace: Namespace = DEFAULT) -> list[AuditRow]:
    """Of secrets, newest first."""
    return [row for row in (await store.history.audit(namespace, 100)).items if row.kind == "Secret"]


async def test_a_value_is_set_and_changed(store: Store) -> None:
    new = await store.secrets.put(place(), sealed("one"), ANN)
    assert (new.place, new.key_id, new.created_at) == (place(), "k1", new.changed_at)
    changed = await store.secrets.put(place(), sealed("two", "k2"), ANN)
    assert (changed.key_id, changed.created_at) == ("k2", new.created_at)
    assert changed.changed_at > new.changed_at
    assert await store.secrets.list(DEFAULT) == (changed,)
    assert await store.secrets.key_ids() == {"k2"}
    lease = await lease_of(store)
    assert await store.secrets.take(lease, "token") == {place(): sealed("two", "k2")}


async def test_a_list_is_ordered_and_of_its_namespace(store: Store) -> None:
    places = [
        place("a", key="B"),
        place("a", key="a"),
        place("a", workflow="build"),
        place("b-", key="_.-"),
        place("b1"),
        place("a", namespace=OTHER),
    ]
    await set_all(store, *reversed(places))
    assert [found.place for found in await store.secrets.list(DEFAULT)] == places[:5]
    assert [found.place for found in await store.secrets.list(DEFAULT, "a")] == places[:3]
    assert [found.place for found in await store.secrets.list(None)] == places
    assert await store.secrets.list(Namespace("none")) == ()


async def test_names_count_with_their_capitals_dots_and_spaces_and_are_ordered_by_their_bytes(store: Store) -> None:
    lease = await lease_of(store)
    names = ["A" * 253, "My Account", "a", "a a", "a.a", "aA", "a_a", "aa", "jiraURL", "jiraurl"]
    await set_all(store, *(place(name) for name in reversed(names)))
    assert [found.place.name for found in await store.secrets.list(DEFAULT)] == names
    for name in names:
        assert set(await store.secrets.take(lease, name)) == {place(name)}
        assert [found.place.name for found in await store.secrets.list(DEFAULT, name)] == [name]
    assert [row.name for row in (await audit(store))[: len(names)]] == names[::-1]
    for gone in names:
        assert await store.secrets.delete(place(gone), ANN, has_all_keys=True) == 1
    assert await store.secrets.list(None) == ()


async def test_a_workflows_own_secret_hides_the_namespaces_with_all_its_keys(store: Store) -> None:
    lease = await lease_of(store)
    await set_all(store, place(), place(key="user"), place(workflow=f"{lease.workflow}x"), place(namespace=OTHER))
    assert set(await store.secrets.take(lease, "token")) == {place(), place(key="user")}
    await set_all(store, place(key="other", workflow=lease.workflow))
    assert set(await store.secrets.take(lease, "token")) == {place(key="other", workflow=lease.workflow)}
    assert await store.secrets.take(lease, "none") == {}


async def test_every_look_is_audited_as_the_runs_identity_also_one_in_vain(store: Store) -> None:
    lease = await lease_of(store)
    await set_all(store, place(workflow=lease.workflow))
    await store.secrets.take(lease, "token")
    await store.secrets.take(lease, "none")
    vain, found = (await audit(store))[:2]
    about = {"run": lease.run_name, "step": "a", "attempt": 1}
    assert (found.verb, found.name, found.subject) == ("read", "token", lease.started_by.subject)
    assert found.details == {**about, "workflow": lease.workflow, "isFound": True}
    assert (vain.name, vain.details) == ("none", {**about, "workflow": "", "isFound": False})


async def test_setting_and_deleting_are_audited_without_the_value(store: Store) -> None:
    await set_all(store, place(), place(key="user"))
    await store.secrets.delete(place(), ANN, has_all_keys=True)
    rows = await audit(store)
    assert sorted((row.verb, str(row.details["key"])) for row in rows) == [
        ("delete", "user"),
        ("delete", "value"),
        ("set", "user"),
        ("set", "value"),
    ]
    assert {(row.subject, row.name) for row in rows} == {("user:ann", "token")}
    assert all(set(row.details) == {"key", "workflow"} for row in rows)


async def test_one_value_is_deleted_or_all_of_one_owner(store: Store) -> None:
    await set_all(store, place(), place(key="user"), place(workflow="w"), place(key="user", workflow="w"))
    assert await store.secrets.delete(place(key="user"), ANN, has_all_keys=False) == 1
    with pytest.raises(NotFound, match="token in namespace default, key user"):
        await store.secrets.delete(place(key="user"), ANN, has_all_keys=False)
    assert await store.secrets.delete(place(workflow="w"), ANN, has_all_keys=True) == 2
    with pytest.raises(NotFound, match=r"token of workflow w in namespace default$"):
        await store.secrets.delete(place(workflow="w"), ANN, has_all_keys=True)
    assert [found.place for found in await store.secrets.list(None)] == [place()]


async def test_values_of_other_keys_are_found_in_batches_and_sealed_anew(store: Store) -> None:
    places = [place(f"s{number}") for number in range(5)]
    await set_all(store, *places)
    await set_all(store, place("new"), key_id="k2")
    before = {found.place: found for found in await store.secrets.list(None)}
    done = 0
    while stale := await store.secrets.stale("k2", 2):
        assert len(stale) <= 2
        pairs = [(where, old, sealed(f"again{number}", "k2")) for number, (where, old) in enumerate(stale.items())]
        done += await store.secrets.reseal(pairs, ANN)
    assert done == 5
    assert await store.secrets.key_ids() == {"k2"}
    assert all(found.changed_at == before[found.place].changed_at for found in await store.secrets.list(None))
    assert [row.details["keyId"] for row in await audit(store) if row.verb == "rotate"] == ["k2"] * 5


async def test_a_value_that_changed_meanwhile_is_not_put_back(store: Store) -> None:
    await set_all(store, place(), place("gone"))
    stale = await store.secrets.stale("k2", 10)
    await store.secrets.put(place(), sealed("newer"), ANN)
    await store.secrets.delete(place("gone"), ANN, has_all_keys=True)
    pairs = [(where, old, sealed("older", "k2")) for where, old in stale.items()]
    assert await store.secrets.reseal(pairs, ANN) == 0
    lease = await lease_of(store)
    assert await store.secrets.take(lease, "token") == {place(): sealed("newer")}
    assert not [row for row in await audit(store) if row.verb == "rotate"]


async def test_a_source_reads_the_secrets_of_its_namespace_and_it_is_audited(store: Store) -> None:
    await set_all(store, place(), place(key="other"), place(workflow="build"), place("else"))
    read = await store.secrets.read(DEFAULT, "token", "Source/hook")
    assert set(read) == {place(), place(key="other")}
    assert await store.secrets.read(DEFAULT, "none", "Source/hook") == {}
    last, first = (await audit(store))[:2]
    assert (first.subject, first.verb, first.name, first.details) == (
        "source:Source/hook", "read", "token", {"isFound": True},
    )  # fmt: skip
    assert (last.name, last.details) == ("none", {"isFound": False})


async def test_a_backup_brings_back_the_sealed_rows(store: Store, tmp_path: Path) -> None:
    lease = await lease_of(store)
    await set_all(store, place())
    await copying.backup(store.driver, None, tmp_path / "backup")
    await store.secrets.delete(place(), ANN, has_all_keys=True)
    await copying.restore(store.driver, None, tmp_path / "backup", is_forced=True)
    assert await store.secrets.take(lease, "token") == {place(): sealed("v0")}
