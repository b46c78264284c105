"""Transactions of three statements (read a row, change it, add one) through the SQLite driver, or on sqlite3 itself."""

import asyncio
import json
import sqlite3
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import uvloop

from ensue.store.opening import open_driver
from ensue.store.statement import Sql, Transaction

ROWS = 1000
CREATE = (
    Sql("CREATE TABLE items (id INTEGER PRIMARY KEY, state TEXT NOT NULL, changes INTEGER NOT NULL)"),
    Sql("CREATE TABLE changes (seq INTEGER PRIMARY KEY, item INTEGER NOT NULL, note TEXT NOT NULL)"),
    Sql(f"INSERT INTO items WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {ROWS - 1})"
        " SELECT i, 'new', 0 FROM n"),
)  # fmt: skip
READ = Sql("SELECT state, changes FROM items WHERE id = $1")
CHANGE = Sql("UPDATE items SET state = $1, changes = changes + 1 WHERE id = $2")
ADD = Sql("INSERT INTO changes (item, note) VALUES ($1, $2)")
COUNT = Sql("SELECT (SELECT sum(changes) FROM items), (SELECT count(*) FROM changes)")
NOTE = "x" * 200


def create() -> Transaction[None]:
    for sql in CREATE:
        yield sql()


def change(number: int) -> Transaction[str]:
    ((state, _),) = yield READ(number % ROWS)
    yield CHANGE("changed", number % ROWS)
    yield ADD(number, NOTE)
    return str(state)


def count() -> Transaction[tuple[int, int]]:
    ((changes, added),) = yield COUNT()
    return changes, added


async def through_driver(path: Path, args: dict[str, Any]) -> dict[str, float]:
    driver = open_driver(f"sqlite:///{path}")
    await driver.open()
    if args["interval"]:
        sys.setswitchinterval(args["interval"])
    await driver.write(create)

    async def chain(numbers: range) -> None:
        for number in numbers:
            await driver.write(partial(change, number))

    async def all_of(amount: int, clients: int) -> float:
        began = time.perf_counter()
        await asyncio.gather(*(chain(range(client, amount, clients)) for client in range(clients)))
        return amount / (time.perf_counter() - began)

    async def work() -> None:
        """A loop that always has something to do, a millisecond or two each time."""
        while True:
            for _ in range(50_000):
                pass
            await asyncio.sleep(0)

    async def beside_work(seconds: float, clients: int) -> float:
        began = time.perf_counter()
        done = 0

        async def client() -> None:
            nonlocal done
            while time.perf_counter() < began + seconds:
                await driver.write(partial(change, done))
                done += 1

        busy = asyncio.create_task(work())
        await asyncio.gather(*(client() for _ in range(clients)))
        busy.cancel()
        return done / (time.perf_counter() - began)

    figures = {"alone": await all_of(args["alone"], 1), "together": await all_of(args["together"], 64)}
    before, _ = await driver.read(count)
    figures["busy"] = await beside_work(args["busy"], 16)
    changes, added = await driver.read(count)
    await driver.close()
    wanted = args["alone"] + args["together"]
    return {**figures, "lost": abs(wanted - before) + abs(changes - added)}


def by_itself(path: Path, args: dict[str, Any]) -> dict[str, float]:
    cursor = sqlite3.connect(path, isolation_level=None).cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    for sql in CREATE:
        cursor.execute(sql.sqlite)

    def all_of(amount: int, group: int) -> float:
        began = time.perf_counter()
        for at in range(0, amount, group):
            cursor.execute("BEGIN IMMEDIATE")
            for number in range(at, min(at + group, amount)):
                cursor.execute(READ.sqlite, (number % ROWS,)).fetchall()
                cursor.execute(CHANGE.sqlite, ("changed", number % ROWS))
                cursor.execute(ADD.sqlite, (number, NOTE))
            cursor.execute("COMMIT")
        return amount / (time.perf_counter() - began)

    figures = {"alone": all_of(args["alone"], 1), "together": all_of(args["together"], 64)}
    changes, added = cursor.execute(COUNT.sqlite).fetchone()
    wanted = args["alone"] + args["together"]
    return {**figures, "lost": abs(wanted - changes) + abs(wanted - added)}


def main() -> None:
    args = json.loads(sys.argv[1])
    folder = Path(args["data"])
    folder.mkdir()
    path = folder / "writes.db"
    print(json.dumps(by_itself(path, args) if args["bare"] else uvloop.run(through_driver(path, args))))


if __name__ == "__main__":
    main()
