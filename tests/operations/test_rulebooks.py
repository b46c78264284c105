"""Rules of namespaces at hand, however many names senders make up."""

import asyncio
import gc

import pytest

from ensue.model.values import Namespace
from ensue.runtime import ruling
from ensue.runtime.ruling import Rulebooks
from tests.operations.places import Place


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
