"""Port AuditLog: rows are chained once each, whoever does it, and tampering shows, also after pruning and a backup."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from ensue.model.errors import InvalidInput
from ensue.model.identity import Refused
from ensue.model.values import Namespace
from ensue.operations import audit
from ensue.store import backup as copying
from ensue.store.audit import Audit
from ensue.store.driver import Driver
from tests.store.drivers import make, opened
from tests.store.stores import ANN, DEFAULT, Store, store_with

LONG, NOTHING = timedelta(days=30), timedelta(0)


async def note(store: Store, count: int = 1, namespace: Namespace | None = DEFAULT) -> None:
    for number in range(count):
        refused = Refused(identity=ANN, verb="get", kind="Run", namespace=namespace, name=f"r{number}")
        await store.audit.add([(refused, 1)])


async def faults(store: Store, kept: str = "") -> tuple[str, ...]:
    return (await audit.look_through(store.audit, kept)).faults


async def seqs(store: Store) -> list[int]:
    return [row[0] for row in await store.rows("SELECT seq FROM audit ORDER BY seq")]


async def test_rows_are_sealed_in_batches_and_each_once(store: Store) -> None:
    await note(store, 7)
    assert (await store.audit.chain()).unsealed == 7
    assert [await store.audit.seal(3) for _ in range(4)] == [3, 3, 1, 0]
    report = await audit.look_through(store.audit)
    assert (report.faults, report.count, report.unsealed, report.head.position) == ((), 7, 0, 7)
    assert [row.position for row in (await store.audit.list(None, 10)).items] == [7, 6, 5, 4, 3, 2, 1]


async def test_several_who_seal_at_once_make_one_chain(store: Store) -> None:
    await note(store, 40)
    done = await asyncio.gather(*(store.audit.seal(5) for _ in range(12)))
    while await store.audit.seal(5):
        pass
    assert sum(done) <= 40
    report = await audit.look_through(store.audit)
    assert (report.faults, report.count) == ((), 40)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("UPDATE audit SET subject = 'user:eve' WHERE seq = $1", "is not as it was sealed"),
        ("UPDATE audit SET details = '{}' WHERE seq = $1", "is not as it was sealed"),
        ("UPDATE audit SET at = at + 1 WHERE seq = $1", "is not as it was sealed"),
        ("DELETE FROM audit WHERE seq = $1", "position 3 is missing"),
        ("UPDATE audit SET position = NULL WHERE seq = $1", "position 3 is missing"),
    ],
)
async def test_a_row_that_was_changed_or_removed_is_named(store: Store, text: str, told: str) -> None:
    await note(store, 6)
    await store.audit.seal()
    seq = (await seqs(store))[2]
    await store.execute(text, seq)
    (fault,) = await faults(store)
    assert told in fault
    assert "missing" in told or f"row {seq} " in fault


async def test_rows_that_changed_places_are_named(store: Store) -> None:
    await note(store, 6)
    await store.audit.seal()
    _, two, _, four, *_ = await seqs(store)
    await store.execute("UPDATE audit SET position = -1 WHERE seq = $1", two)
    await store.execute("UPDATE audit SET position = 2 WHERE seq = $1", four)
    await store.execute("UPDATE audit SET position = 4 WHERE seq = $1", two)
    found = await faults(store)
    assert any(f"row {four} at position 2" in fault for fault in found)
    assert any(f"row {two} at position 4" in fault for fault in found)


async def test_a_chain_that_was_cut_off_or_made_anew_is_found(store: Store) -> None:
    await note(store, 6)
    await store.audit.seal()
    kept = str((await audit.look_through(store.audit)).head)
    assert await faults(store, kept) == ()
    await store.execute("DELETE FROM audit WHERE position > 4")
    assert await faults(store) == ("positions 5 to 6 are missing",)
    # Whoever can write everything makes a chain that fits itself, but not the head that was kept elsewhere.
    await store.execute("UPDATE audit SET position = NULL, subject = 'user:eve'")
    await store.execute("DELETE FROM audit_chain")
    await note(store, 4)
    while await store.audit.seal():
        pass
    assert await faults(store) == ()
    assert await faults(store, kept) == ("position 6 is not what it was when its head was kept",)
    await store.execute("DELETE FROM audit")
    await store.execute("DELETE FROM audit_chain")
    assert await faults(store, kept) == ("the chain ends at position 0, before the head that was kept",)


async def test_what_retention_deleted_is_not_missed(store: Store) -> None:
    await note(store, 9)
    await store.audit.seal(6)
    while await store.care.prune((), LONG, NOTHING, 4):
        pass
    assert (await store.audit.chain()).start.position == 6
    assert len(await seqs(store)) == 3, "what is not sealed yet stays"
    await store.audit.seal()
    assert await faults(store) == ()
    await store.execute("DELETE FROM audit WHERE position = 7")
    assert await faults(store) == ("position 7 is missing",)


async def test_after_everything_was_deleted_the_chain_goes_on_where_it_was(store: Store) -> None:
    await note(store, 3)
    await store.audit.seal()
    await store.care.prune((), LONG, NOTHING)
    await note(store, 2)
    await store.audit.seal()
    report = await audit.look_through(store.audit)
    assert (report.faults, report.count, report.head.position) == ((), 2, 5)


async def test_a_backup_keeps_the_chain_whole(
    store: Store, empty: Driver, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    await note(store, 5)
    await store.audit.seal(3)
    file = tmp_path / "backup"
    await copying.backup(empty, None, file)
    (tmp_path / "other").mkdir()
    async with opened(make("sqlite", request, tmp_path / "other")) as other:
        await copying.restore(other, None, file)
        log = Audit(driver=other)
        assert await log.seal() == 2
        report = await audit.look_through(log)
        assert (report.faults, report.count) == ((), 5)


async def test_a_list_is_paged_and_of_its_namespace(store: Store) -> None:
    await note(store, 5)
    await note(store, 1, Namespace("other"))
    await note(store, 1, None)
    first = await store.audit.list(DEFAULT, 3)
    rest = await store.audit.list(DEFAULT, 3, first.after)
    assert [row.name for row in (*first.items, *rest.items)] == ["r4", "r3", "r2", "r1", "r0"]
    assert rest.after == ""
    assert [row.namespace for row in (await store.audit.list(None, 3)).items] == ["", "other", "default"]
    assert first.items[0].details == {"isRefused": True, "times": 1}
    with pytest.raises(InvalidInput):
        await store.audit.list(None, 3, "x")


async def test_nothing_to_seal_writes_nothing(request: pytest.FixtureRequest, tmp_path: Path) -> None:
    async with store_with(make("sqlite", request, tmp_path)) as store:
        assert await store.audit.seal() == 0
        assert await store.rows("SELECT * FROM audit_chain") == []


@pytest.mark.parametrize("after", ["x", "²", "١", "-1", "9" * 20])
async def test_a_page_after_something_else_is_refused(store: Store, after: str) -> None:
    for ask in (store.audit.list, store.history.audit):
        with pytest.raises(InvalidInput, match="continue token"):
            await ask(DEFAULT, 3, after)
