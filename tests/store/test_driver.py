"""The behaviour of drivers, the same on both databases."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from ensue.model.errors import NotFound, Unavailable
from ensue.store.driver import Driver
from ensue.store.statement import NOW, Sql, Transaction
from tests.store.drivers import ADD, COUNT, CREATE, INSERT, SELECT, ask, make, opened


@pytest.fixture(params=["sqlite", "postgres"])
def unopened(request: pytest.FixtureRequest, tmp_path: Path) -> Driver:
    return make(request.param, request, tmp_path)


@pytest.fixture
async def driver(unopened: Driver) -> AsyncIterator[Driver]:
    async with opened(unopened) as driver:
        await driver.write(ask(CREATE))
        yield driver


async def test_a_write_returns_what_its_generator_returns_and_is_seen_by_reads(driver: Driver) -> None:
    def begin() -> Transaction[str]:
        yield INSERT("a", 1)
        rows = yield ADD("a", 4)
        return f"now {rows[0][0]}"

    assert await driver.write(begin) == "now 5"
    assert await driver.read(ask(SELECT)) == [("a", 5)]


async def test_a_transaction_without_statements_returns(driver: Driver) -> None:
    def begin() -> Transaction[int]:
        return 3
        yield

    assert await driver.write(begin) == 3
    assert await driver.read(begin) == 3


async def test_many_executes_once_per_row_and_answers_no_rows(driver: Driver) -> None:
    def begin() -> Transaction[int]:
        rows = yield INSERT.many([("b", 2), ("a", 1)])
        nothing = yield INSERT.many([])
        return len(rows) + len(nothing)

    assert await driver.write(begin) == 0
    assert await driver.read(ask(SELECT)) == [("a", 1), ("b", 2)]


async def test_arguments_may_come_in_any_order_and_more_than_once(driver: Driver) -> None:
    swapped = Sql("INSERT INTO items (number, key) SELECT $2, $1 WHERE $1 <> '$9'")
    twice = Sql("SELECT key FROM items WHERE key = $1 OR key || 'x' = $1")
    await driver.write(ask(swapped, "a", 7))

    def many() -> Transaction[None]:
        yield swapped.many([("b", 8), ("c", 9)])

    await driver.write(many)
    assert await driver.read(ask(SELECT)) == [("a", 7), ("b", 8), ("c", 9)]
    assert await driver.read(ask(twice, "a")) == [("a",)]


async def test_lists_travel_as_one_json_argument(driver: Driver) -> None:
    await driver.write(lambda: iter_inserts("a", "b", "c"))
    keys = Sql("SELECT key FROM items WHERE key IN {in_list:1} ORDER BY key")
    numbers = Sql("SELECT key FROM items WHERE number IN {in_ints:1} ORDER BY key")
    each = Sql("SELECT value FROM {each:1} ORDER BY value")
    assert await driver.read(ask(keys, '["c", "a", "z"]')) == [("a",), ("c",)]
    assert await driver.read(ask(numbers, "[2, 3]")) == [("b",), ("c",)]
    assert await driver.read(ask(each, '["y", "x"]')) == [("x",), ("y",)]


async def test_bytes_text_and_nothing_come_back_as_they_were(driver: Driver) -> None:
    insert = Sql("INSERT INTO items (key, number, body) VALUES ($1, $2, $3)")
    select = Sql("SELECT key, number, body FROM items ORDER BY key")
    await driver.write(ask(insert, "ü '{}' $1", 2**62, b"\x00\xff"))
    await driver.write(ask(insert, "z", -1, None))
    assert await driver.read(ask(select)) == [("z", -1, None), ("ü '{}' $1", 2**62, b"\x00\xff")]


async def test_an_exception_rolls_back_and_reaches_the_caller(driver: Driver) -> None:
    def begin() -> Transaction[None]:
        yield INSERT("a", 1)
        raise NotFound("no such thing")

    with pytest.raises(NotFound, match="no such thing"):
        await driver.write(begin)
    assert await driver.read(ask(SELECT)) == []


async def test_an_error_of_a_statement_is_not_sent_into_the_generator_but_closes_it(driver: Driver) -> None:
    seen: list[str] = []

    def begin() -> Transaction[None]:
        try:
            yield INSERT("a", 1)
            yield INSERT("a", 2)
            seen.append("went on")
        except Exception:
            seen.append("caught")
        finally:
            seen.append("closed")

    with pytest.raises(Exception, match=r"(?i)unique"):
        await driver.write(begin)
    assert seen == ["closed"]
    assert await driver.read(ask(SELECT)) == []


async def test_a_failing_member_of_a_group_hurts_no_other(driver: Driver) -> None:
    def failing(number: int) -> Transaction[None]:
        yield INSERT(f"bad {number}", 1)
        if number % 2:
            raise KeyError(number)
        yield INSERT(f"bad {number}", 1)

    writes: list[Any] = []
    for number in range(30):
        writes.append(driver.write(ask(INSERT, f"good {number:02}", number)))
        writes.append(driver.write(lambda number=number: failing(number)))  # type: ignore[misc]
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert [answer for answer in answers[0::2] if isinstance(answer, BaseException)] == []
    assert all(isinstance(answer, Exception) for answer in answers[1::2])
    assert {type(answer) for answer in answers[3::4]} == {KeyError}
    assert [key for key, _ in await driver.read(ask(SELECT))] == [f"good {number:02}" for number in range(30)]


async def test_two_hundred_writers_lose_no_update(driver: Driver) -> None:
    select = Sql("SELECT number FROM items WHERE key = $1 {for_update}")
    update = Sql("UPDATE items SET number = $2 WHERE key = $1")
    await driver.write(ask(INSERT, "a", 0))

    def increment() -> Transaction[int]:
        ((number,),) = yield select("a")
        yield update("a", number + 1)
        return int(number)

    found = await asyncio.gather(*(driver.write(increment) for _ in range(200)))
    assert sorted(found) == list(range(200))
    assert await driver.read(ask(SELECT)) == [("a", 200)]


async def test_a_read_sees_one_snapshot(driver: Driver) -> None:
    loop = asyncio.get_running_loop()
    await driver.write(ask(INSERT, "a", 1))
    tasks: list[asyncio.Task[Any]] = []

    def begin() -> Transaction[tuple[int, int]]:
        ((before,),) = yield COUNT()
        loop.call_soon_threadsafe(lambda: tasks.append(loop.create_task(driver.write(ask(INSERT, "b", 2)))))
        while driver.dialect == "sqlite" and not (tasks and tasks[0].done()):
            time.sleep(0.001)
        for _ in range(50):
            yield COUNT()
        ((after,),) = yield COUNT()
        return before, after

    assert await driver.read(begin) == (1, 1)
    await tasks[0]
    assert await driver.read(ask(COUNT)) == [(2,)]


async def test_a_read_cannot_write(driver: Driver) -> None:
    with pytest.raises(Exception, match=r"(?i)read.?only"):
        await driver.read(ask(INSERT, "a", 1))
    await driver.write(ask(INSERT, "a", 1))
    assert await driver.read(ask(COUNT)) == [(1,)]


async def test_now_is_the_time_in_microseconds(driver: Driver) -> None:
    def begin() -> Transaction[tuple[int, int]]:
        ((first,),) = yield NOW
        ((second,),) = yield NOW
        return first, second

    for way in (driver.write, driver.read):
        first, second = await way(begin)
        assert isinstance(first, int)
        assert first <= second
        assert abs(first / 1e6 - time.time()) < 60


async def test_a_cancelled_caller_leaves_a_whole_transaction_or_none(driver: Driver) -> None:
    def begin(number: int) -> Transaction[None]:
        yield INSERT(f"{number} first", number)
        yield INSERT(f"{number} second", number)

    tasks = [asyncio.create_task(driver.write(lambda number=number: begin(number))) for number in range(60)]  # type: ignore[misc]
    for turn, task in enumerate(tasks):
        if turn % 3 == 0:
            await asyncio.sleep(0)
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await driver.write(ask(INSERT, "last", 1))
    halves = await driver.read(
        ask(Sql("SELECT number, count(*) FROM items WHERE key <> 'last' GROUP BY number HAVING count(*) <> 2"))
    )
    assert halves == []


async def test_closing_while_busy_finishes_what_was_accepted(driver: Driver) -> None:
    writes = [asyncio.create_task(driver.write(ask(INSERT, f"{number:03}", number))) for number in range(100)]
    await asyncio.sleep(0)
    await driver.close()
    answers = await asyncio.gather(*writes, return_exceptions=True)
    assert {type(answer) for answer in answers} <= {list, Unavailable}
    await driver.open()
    assert await driver.read(ask(COUNT)) == [(sum(type(answer) is list for answer in answers),)]


async def test_a_closed_driver_says_so_and_may_be_opened_again(driver: Driver) -> None:
    await driver.write(ask(INSERT, "a", 1))
    await driver.close()
    await driver.close()
    with pytest.raises(Unavailable, match="closed"):
        await driver.write(ask(INSERT, "b", 1))
    with pytest.raises(Unavailable, match="closed"):
        await driver.read(ask(COUNT))
    await driver.open()
    assert await driver.read(ask(SELECT)) == [("a", 1)]


async def test_text_keys_sort_by_code_point_and_like_heeds_case(driver: Driver) -> None:
    await driver.write(lambda: iter_inserts("b", "B", "a", "_", "ä"))
    assert [key for key, _ in await driver.read(ask(SELECT))] == ["B", "_", "a", "b", "ä"]
    assert await driver.read(ask(Sql("SELECT key FROM items WHERE key LIKE $1"), "b%")) == [("b",)]


def iter_inserts(*keys: str) -> Transaction[None]:
    for number, key in enumerate(keys, 1):
        yield INSERT(key, number)
