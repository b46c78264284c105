"""Concurrent senders share transactions, and nothing but those."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import pytest

from ensue.model.decision import Decision
from ensue.model.errors import StoreBroken, StoreUnreachable
from ensue.model.event import Accepted, Event
from ensue.model.values import EPOCH, Namespace
from ensue.ports.intake import Arrival, Recorded, Released
from ensue.runtime.gathering import MOST, Gathering

A, B = Namespace("a"), Namespace("b")


class Transactions:
    """Records what each would hold; those with an id in `bad` fail, as do all while it is `away`."""

    def __init__(self) -> None:
        self.seen: list[list[str]] = []
        self.bad: set[str] = set()
        self.is_away = False
        self.revisions: dict[Namespace, int] = {}
        self.may_end = asyncio.Event()

    async def record(
        self, arrivals: Sequence[Arrival], revisions: Mapping[Namespace, int], keep_ids: timedelta
    ) -> Recorded:
        ids = [arrival.event.id for arrival in arrivals]
        self.seen.append(ids)
        await self.may_end.wait()
        if self.is_away:
            raise StoreUnreachable("away")
        if not self.bad.isdisjoint(ids):
            raise StoreBroken("bad")
        stale = frozenset(one for one, at in revisions.items() if self.revisions.get(one, at) != at)
        if stale:
            return Recorded(stale=stale)
        return Recorded(
            accepted=tuple(Accepted(uid=f"uid of {one}", is_duplicate=False) for one in ids), queued=len(ids)
        )

    async def release(self, limit: int = 100) -> Released:
        raise NotImplementedError

    async def of(self, namespace: Namespace, event: str) -> tuple[Decision, ...]:
        raise NotImplementedError

    async def of_all(self, namespace: Namespace, events: Collection[str]) -> Mapping[str, tuple[Decision, ...]]:
        raise NotImplementedError


@pytest.fixture
def transactions() -> Transactions:
    return Transactions()


@pytest.fixture
def gathering(transactions: Transactions) -> Gathering:
    return Gathering(decisions=transactions, keep_ids=timedelta(days=7))


def arrival(id: str, namespace: Namespace = A) -> Arrival:
    return Arrival(event=Event(namespace=namespace, uid=id, id=id, source="/test", type="t", time=EPOCH))


async def started(
    gathering: Gathering, *ids: str, namespace: Namespace = A, at: int = 1
) -> "list[asyncio.Task[Recorded]]":
    """A call for each id, in their order."""
    calls = [asyncio.create_task(gathering.record([arrival(id, namespace)], {namespace: at})) for id in ids]
    for _ in range(3):
        await asyncio.sleep(0)
    return calls


def uids(recorded: Recorded) -> list[str]:
    return [one.uid for one in recorded.accepted if one is not None]


async def test_those_who_come_during_a_commit_share_the_next(gathering: Gathering, transactions: Transactions) -> None:
    calls = await started(gathering, "1") + await started(gathering, "2") + await started(gathering, *"345")
    transactions.may_end.set()
    found = await asyncio.gather(*calls)
    assert transactions.seen == [["1"], ["2"], ["3", "4", "5"]]
    assert [uids(one) for one in found] == [[f"uid of {id}"] for id in "12345"]
    assert [one.queued for one in found] == [1, 1, 3, 0, 0]


async def test_a_call_with_many_is_never_split(gathering: Gathering, transactions: Transactions) -> None:
    calls = await started(gathering, "x") + await started(gathering, "y")
    many = [arrival(str(number)) for number in range(MOST + 1)]
    large = asyncio.create_task(gathering.record(many, {A: 1}))
    await asyncio.sleep(0)
    calls += await started(gathering, "last")
    transactions.may_end.set()
    assert len(uids(await large)) == MOST + 1
    await asyncio.gather(*calls)
    assert [len(ids) for ids in transactions.seen] == [1, 1, MOST + 1, 1]


async def test_what_is_wrong_with_one_concerns_no_other(gathering: Gathering, transactions: Transactions) -> None:
    transactions.bad.add("4")
    calls = await started(gathering, "1") + await started(gathering, "2") + await started(gathering, *"345")
    transactions.may_end.set()
    *good, bad, last = await asyncio.gather(*calls, return_exceptions=True)
    assert isinstance(bad, StoreBroken)
    assert all(isinstance(one, Recorded) for one in (*good, last))
    assert transactions.seen[2:] == [["3", "4", "5"], ["3"], ["4"], ["5"]]


async def test_while_the_store_is_away_nobody_is_asked_to_try_alone(
    gathering: Gathering, transactions: Transactions
) -> None:
    transactions.is_away = True
    calls = await started(gathering, "1") + await started(gathering, "2") + await started(gathering, *"345")
    transactions.may_end.set()
    assert {type(one) for one in await asyncio.gather(*calls, return_exceptions=True)} == {StoreUnreachable}
    assert transactions.seen == [["1"], ["2"], ["3", "4", "5"]]
    transactions.is_away = False
    (later,) = await started(gathering, "6")
    assert uids(await later) == ["uid of 6"]


async def test_only_those_whose_definitions_changed_are_asked_again(
    gathering: Gathering, transactions: Transactions
) -> None:
    calls = await started(gathering, "1") + await started(gathering, "2")
    old, new = await started(gathering, "3"), await started(gathering, "4", namespace=B)
    transactions.revisions[A] = 2
    transactions.may_end.set()
    found = await asyncio.gather(*calls, *old, *new)
    assert [one.stale for one in found] == [{A}, {A}, {A}, frozenset()]
    assert uids(found[3]) == ["uid of 4"]


async def test_calls_that_know_different_definitions_are_kept_apart(
    gathering: Gathering, transactions: Transactions
) -> None:
    calls = await started(gathering, "1") + await started(gathering, "2")
    calls += await started(gathering, "3", at=1) + await started(gathering, "4", at=2)
    transactions.may_end.set()
    await asyncio.gather(*calls)
    assert transactions.seen == [["1"], ["2"], ["3"], ["4"]]


async def test_who_goes_away_takes_nobody_along(gathering: Gathering, transactions: Transactions) -> None:
    calls = await started(gathering, "1") + await started(gathering, "2") + await started(gathering, *"345")
    for gone in (calls[0], calls[3]):
        gone.cancel()
    transactions.may_end.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [isinstance(one, asyncio.CancelledError) for one in found] == [True, False, False, True, False]
    assert transactions.seen == [["1"], ["2"], ["3", "5"]]


async def test_who_calls_as_the_last_transactions_end_begins_another(
    transactions: Transactions, gathering: Gathering
) -> None:
    async def record(*ids: str) -> None:
        for id in ids:
            await gathering.record([arrival(id)], {A: 1})

    async with asyncio.timeout(30):
        calls = []
        for ids in (("1", "3"), ("2",)):
            calls.append(asyncio.create_task(record(*ids)))
            for _ in range(3):
                await asyncio.sleep(0)
        transactions.may_end.set()
        await asyncio.gather(*calls)
    assert transactions.seen == [["1"], ["2"], ["3"]]
