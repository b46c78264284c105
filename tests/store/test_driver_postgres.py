"""What only the PostgreSQL driver does: retries, lost connections, several processes."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import asyncpg
import pytest

from ensue.model.errors import StoreFull, StoreUnreachable, Unavailable
from ensue.store import postgres
from ensue.store.postgres import PostgresDriver
from ensue.store.statement import Rows, Sql, Transaction
from tests.postgres import PostgresServer
from tests.store.drivers import ADD, COUNT, CREATE, INSERT, SELECT, ask, opened

INCREMENT = """
import asyncio, sys
from ensue.store.postgres import PostgresDriver
from ensue.store.statement import Sql

SELECT = Sql("SELECT number FROM items WHERE key = $1 {for_update}")
UPDATE = Sql("UPDATE items SET number = $2 WHERE key = $1")

def increment():
    ((number,),) = yield SELECT("a")
    yield UPDATE("a", number + 1)

async def main():
    driver = PostgresDriver(sys.argv[1], pool_size=5)
    await driver.open()
    await asyncio.gather(*(driver.write(increment) for _ in range(100)))
    await driver.close()

asyncio.run(main())
"""


@pytest.fixture
async def driver(postgres_url: str) -> AsyncIterator[PostgresDriver]:
    driver = PostgresDriver(postgres_url)
    async with opened(driver):
        await driver.write(ask(CREATE))
        yield driver


async def test_deadlocked_transactions_are_tried_again(driver: PostgresDriver) -> None:
    await driver.write(ask(INSERT, "a", 0))
    await driver.write(ask(INSERT, "b", 0))
    tries: list[str] = []

    def both(first: str, second: str) -> Transaction[None]:
        tries.append(first)
        yield ADD(first, 1)
        yield Sql("SELECT pg_sleep(0.2)")()
        yield ADD(second, 1)

    await asyncio.gather(driver.write(lambda: both("a", "b")), driver.write(lambda: both("b", "a")))
    assert await driver.read(ask(SELECT)) == [("a", 2), ("b", 2)]
    assert len(tries) > 2


async def test_quiet_statements_are_sent_before_they_have_too_many_arguments(driver: PostgresDriver) -> None:
    put = Rows("INSERT INTO items (key, number) VALUES {rows}", 2)

    def begin() -> Transaction[None]:
        yield from put.quietly([(str(number), number) for number in range(20_000)])

    await driver.write(begin)
    assert await driver.read(ask(COUNT)) == [(20_000,)]


async def test_a_statement_that_ended_half_way_leaves_no_transaction_to_the_next(postgres_url: str) -> None:
    driver = PostgresDriver(postgres_url, pool_size=1)
    async with opened(driver):
        await driver.write(ask(CREATE))
        with pytest.raises(asyncpg.DataError):
            # Prepared, which looks at the table, and then given what is no number.
            await driver.fetch(Sql("SELECT key FROM items WHERE number = $1")("none"))
        assert await driver.read(ask(COUNT)) == [(0,)]
        for pause in range(40):
            asked = asyncio.create_task(driver.fetch(Sql(f"SELECT key, {pause} FROM items WHERE number = $1")(1)))
            await asyncio.sleep(pause / 20_000)
            asked.cancel()
            await asyncio.wait({asked})
            assert await driver.read(ask(COUNT)) == [(0,)]


async def test_a_connection_lost_in_the_middle_is_replaced_and_the_transaction_tried_again(
    driver: PostgresDriver,
) -> None:
    tries: list[int] = []

    def begin() -> Transaction[int]:
        tries.append(1)
        yield INSERT("a", len(tries))
        if len(tries) == 1:
            yield Sql("SELECT pg_terminate_backend(pg_backend_pid())")()
        return len(tries)

    assert await driver.write(begin) == 2
    assert await driver.read(ask(SELECT)) == [("a", 2)]


async def test_a_connection_lost_during_commit_is_not_tried_again(driver: PostgresDriver) -> None:
    tries: list[int] = []

    def begin() -> Transaction[None]:
        tries.append(1)
        yield Sql(
            "CREATE OR REPLACE FUNCTION die() RETURNS trigger AS "
            "'BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END' LANGUAGE plpgsql"
        )()
        yield Sql(
            "CREATE CONSTRAINT TRIGGER die AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION die()"
        )()
        yield INSERT("a", 1)

    with pytest.raises(StoreUnreachable, match="not known"):
        await driver.write(begin)
    assert tries == [1]
    assert await driver.read(ask(COUNT)) == [(0,)]


async def test_an_error_of_the_caller_is_raised_at_once_whatever_its_type(driver: PostgresDriver) -> None:
    tries: list[int] = []

    def begin() -> Transaction[None]:
        tries.append(1)
        yield INSERT("a", 1)
        raise FileNotFoundError("not the database's fault")

    with pytest.raises(FileNotFoundError):
        await driver.write(begin)
    with pytest.raises(asyncpg.DataError):
        await driver.write(ask(INSERT, "a", "not a number"))
    with pytest.raises(asyncpg.InterfaceError):
        await driver.write(ask(INSERT, "a"))
    assert tries == [1]


BACKEND = Sql("SELECT pg_backend_pid()")


def raising(code: str) -> Transaction[None]:
    yield Sql(f"DO $$ BEGIN RAISE EXCEPTION 'so be it' USING ERRCODE = '{code}'; END $$")()


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("53100", StoreFull),
        ("53200", Unavailable),
        ("53400", Unavailable),
        ("54000", Unavailable),
        ("55000", Unavailable),
        ("55P03", Unavailable),
        ("57014", Unavailable),
        ("58030", Unavailable),
        ("XX000", Unavailable),
        ("22012", asyncpg.DivisionByZeroError),
        ("23505", asyncpg.UniqueViolationError),
        ("42P01", asyncpg.UndefinedTableError),
        ("P0001", asyncpg.RaiseError),
    ],
)
async def test_what_is_not_the_statements_own_fault_may_work_later(
    driver: PostgresDriver, code: str, expected: type[Exception]
) -> None:
    with pytest.raises(expected) as raised:
        await driver.write(lambda: raising(code))
    assert type(raised.value) is expected
    assert await driver.read(ask(COUNT)) == [(0,)]


async def test_a_statement_that_the_server_cancels_may_work_later(postgres_url: str) -> None:
    driver = PostgresDriver(f"{postgres_url}?statement_timeout=50", pool_size=1)
    async with opened(driver):
        for call in (driver.write, driver.read):
            with pytest.raises(Unavailable, match="statement timeout"):
                await call(ask(Sql("SELECT pg_sleep(5)")))
        with pytest.raises(Unavailable, match="statement timeout"):
            await driver.fetch(Sql("SELECT pg_sleep(5)")())
        assert await driver.fetch(Sql("SELECT 1")()) == [(1,)]


async def test_a_commit_that_the_server_cancels_was_none(driver: PostgresDriver) -> None:
    def begin() -> Transaction[None]:
        yield Sql(
            "CREATE FUNCTION cancel() RETURNS trigger AS "
            "'BEGIN RAISE EXCEPTION USING ERRCODE = ''57014''; END' LANGUAGE plpgsql"
        )()
        yield Sql(
            "CREATE CONSTRAINT TRIGGER cancel AFTER INSERT ON items DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION cancel()"
        )()
        yield INSERT("a", 1)

    with pytest.raises(Unavailable, match="could not do this now"):
        await driver.write(begin)
    assert await driver.read(ask(COUNT)) == [(0,)]


async def test_a_standby_is_left_for_the_server_that_takes_writes(private_postgres: PostgresServer) -> None:
    driver = PostgresDriver(private_postgres.url(), pool_size=1, patience_seconds=0.2)
    async with opened(driver):
        await driver.write(ask(CREATE))
        await asyncio.to_thread(private_postgres.stop)
        (private_postgres.directory / "data" / "standby.signal").touch()
        await asyncio.to_thread(private_postgres.start)
        assert await driver.read(ask(COUNT)) == [(0,)]
        standby = await driver.fetch(BACKEND())
        with pytest.raises(Unavailable, match="takes no writes"):
            await driver.write(ask(INSERT, "a", 1))
        assert await driver.fetch(BACKEND()) != standby
        await driver.fetch(Sql("SELECT pg_promote()")())
        await driver.write(ask(INSERT, "a", 1))
        assert await driver.read(ask(SELECT)) == [("a", 1)]


async def test_a_read_that_writes_is_a_bug_and_nothing_to_wait_for(driver: PostgresDriver) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await driver.read(ask(INSERT, "a", 1))


async def test_the_pool_survives_a_restart_of_the_server_under_load(private_postgres: PostgresServer) -> None:
    driver = PostgresDriver(private_postgres.url(), pool_size=4)
    async with opened(driver):
        await driver.write(ask(CREATE))
        acknowledged: list[str] = []
        is_over = asyncio.Event()

        async def load(worker: int) -> None:
            number = 0
            while not is_over.is_set():
                key, number = f"{worker}-{number:05}", number + 1
                with suppress(StoreUnreachable):
                    await driver.write(ask(INSERT, key, number))
                    acknowledged.append(key)

        async with asyncio.TaskGroup() as tasks:
            for worker in range(8):
                tasks.create_task(load(worker))
            for is_immediate in (False, True):
                await asyncio.sleep(0.3)
                await asyncio.to_thread(private_postgres.stop, is_immediate)
                await asyncio.sleep(0.3)
                await asyncio.to_thread(private_postgres.start)
            before = len(acknowledged)
            async with asyncio.timeout(60):
                while len(acknowledged) <= before:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            is_over.set()
        stored = {key for key, _ in await driver.read(ask(SELECT))}
        assert set(acknowledged) <= stored


async def test_a_server_that_stays_away_is_unreachable_after_a_bounded_time(private_postgres: PostgresServer) -> None:
    driver = PostgresDriver(private_postgres.url(), patience_seconds=0.3)
    async with opened(driver):
        await asyncio.to_thread(private_postgres.stop)
        with pytest.raises(StoreUnreachable, match="cannot be reached"):
            await driver.read(ask(Sql("SELECT 1")))
    with pytest.raises(StoreUnreachable):
        await driver.open()


async def test_no_message_shows_the_password(postgres_url: str) -> None:
    secret = "hunter2secret"
    address = postgres_url.replace("ensue@", f"nobody_here:{secret}@")
    for url in (address, f"postgresql://u:{secret}@127.0.0.1:1/x", f"postgresql://u:{secret}@localhost:port/x"):
        with pytest.raises(Exception) as raised:  # noqa: PT011
            await PostgresDriver(url).open()
        assert secret not in str(raised.value)


async def test_a_cancelled_transaction_gives_its_connection_back(postgres_url: str) -> None:
    driver = PostgresDriver(postgres_url, pool_size=1)
    async with opened(driver):
        await driver.write(ask(CREATE))

        def slow() -> Transaction[None]:
            yield INSERT("a", 1)
            yield Sql("SELECT pg_sleep(30)")()

        task = asyncio.create_task(driver.write(slow))
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        async with asyncio.timeout(60):
            assert await driver.read(ask(COUNT)) == [(0,)]


async def test_two_processes_lose_no_update(driver: PostgresDriver, postgres_url: str) -> None:
    await driver.write(ask(INSERT, "a", 0))
    command = (sys.executable, "-c", INCREMENT, postgres_url)
    processes = [await asyncio.create_subprocess_exec(*command) for _ in range(2)]
    assert [await process.wait() for process in processes] == [0, 0]
    assert await driver.read(ask(SELECT)) == [("a", 200)]


async def test_claims_skip_what_others_hold(driver: PostgresDriver) -> None:
    claim = Sql(
        "DELETE FROM items WHERE key IN (SELECT key FROM items ORDER BY key LIMIT 1 {skip_locked}) RETURNING key"
    )
    for key in "abcdefgh":
        await driver.write(ask(INSERT, key, 1))

    def begin() -> Transaction[Any]:
        rows = yield claim()
        yield Sql("SELECT pg_sleep(0.05)")()
        return rows[0][0]

    claimed = await asyncio.gather(*(driver.write(begin) for _ in range(8)))
    assert sorted(claimed) == list("abcdefgh")


async def test_an_old_server_is_refused(postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "OLDEST", 990000)
    with pytest.raises(Exception, match="is too old"):
        await PostgresDriver(postgres_url).open()
