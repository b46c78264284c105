"""A process of its own that works on a PostgreSQL store until there is nothing left to do, and prints what it did."""

import asyncio
import json
import sys

from ensue.ports.store import Ending
from ensue.store.postgres import PostgresDriver
from tests.core.playing import outputs
from tests.store.drivers import opened
from tests.store.stores import Store, claimant, store_on


async def work(store: Store, name: str) -> list[tuple[str, str, int]]:
    done: list[tuple[str, str, int]] = []

    async def lane() -> None:
        idle = 0
        while idle < 40:
            todo = list((await store.runs.claim(claimant(name, 2))).leases)
            idle = 0 if todo else idle + 1
            while todo:
                lease = todo.pop()
                ending = Ending(outcome=outputs(n=lease.key.step))
                finished = await store.runs.finish(lease, ending, claimant(name, 1))
                if finished.is_accepted:
                    done.append((lease.key.run, lease.key.step, lease.attempt))
                todo += finished.claimed
            await asyncio.sleep(0.005)

    await asyncio.gather(*(lane() for _ in range(4)))
    return done


async def fire(store: Store) -> None:
    while (await store.runs.fire_timers(10)).fired:
        pass


async def main(url: str, what: str) -> None:
    async with opened(PostgresDriver(url, pool_size=5)) as driver:
        store = store_on(driver)
        if what == "--timers":
            await fire(store)
        else:
            sys.stdout.write(json.dumps(await work(store, what)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
