"""Port Feed, read backwards."""

import pytest

from ensue.model.errors import InvalidInput
from ensue.model.values import Namespace
from tests.store.stores import DEFAULT, Store
from tests.store.test_feed import event


@pytest.mark.parametrize("namespace", [None, DEFAULT])
async def test_the_newest_come_first_page_by_page(store: Store, namespace: Namespace | None) -> None:
    await store.append([event(str(number)) for number in range(5)])
    await store.append([event("5")])
    found, before = [], ""
    for _ in range(4):
        page = await store.feed.latest(namespace, before, 2)
        found.append([item.event.id for item in page.items])
        before = page.after
        if not before:
            break
    assert found == [["5", "4"], ["3", "2"], ["1", "0"], []]


async def test_what_comes_meanwhile_is_not_on_a_later_page(store: Store) -> None:
    await store.append([event(str(number)) for number in range(3)])
    page = await store.feed.latest(DEFAULT, limit=2)
    await store.append([event("3")])
    page = await store.feed.latest(DEFAULT, page.after, 2)
    assert ([item.event.id for item in page.items], page.after) == (["0"], "")


async def test_a_namespace_sees_only_its_own_newest_events(store: Store) -> None:
    await store.append([event("1"), event("2", namespace=Namespace("other"))])
    assert [item.event.id for item in (await store.feed.latest(DEFAULT)).items] == ["1"]


async def test_a_place_of_something_else_is_refused(store: Store) -> None:
    with pytest.raises(InvalidInput, match="continue token"):
        await store.feed.latest(None, "x")
