"""What the store of a contender holds, counted in its tables when all is done."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

from ensue.store import opening
from ensue.store.driver import Driver
from ensue.store.statement import Sql

COUNTS = Sql(
    "SELECT (SELECT count(*) FROM events WHERE type = $1),"
    " (SELECT count(*) FROM decisions),"
    " (SELECT count(*) FROM decisions WHERE conclusion = 'fired'),"
    " (SELECT count(*) FROM runs),"
    " (SELECT count(*) FROM step_runs),"
    " (SELECT count(*) FROM runs WHERE state = 'Succeeded')"
)
SUCCEEDED = Sql("SELECT count(*) FROM runs WHERE state = 'Succeeded'")
ENDS = Sql("SELECT parameters, completed_at FROM runs WHERE completed_at IS NOT NULL ORDER BY created_at, uid")
PAUSE = 0.1
PATIENCE = 300.0
NAMES = ("events", "decisions", "fired", "runs", "steps", "succeeded")


async def counts(args: Mapping[str, Any], type: str) -> dict[str, int]:
    """`args` as for `node.at_work`; `type`: of the events that count."""
    async with _opened(args) as driver:
        (row,) = await driver.fetch(COUNTS(type))
        return dict(zip(NAMES, row, strict=True))


async def until_succeeded(args: Mapping[str, Any], total: int) -> None:
    """Wait for so many runs; the time of the last may be seen `PAUSE` late."""
    deadline = time.monotonic() + PATIENCE
    async with _opened(args) as driver:
        while (found := (await driver.fetch(SUCCEEDED()))[0][0]) < total:
            if time.monotonic() > deadline:
                raise TimeoutError(f"{found} of {total} runs ended in {PATIENCE:.0f} s")
            await asyncio.sleep(PAUSE)


async def seconds_since(args: Mapping[str, Any], parameter: str) -> list[float]:
    """From the time in a parameter, in µs, to the end of the run; of all that ended, in the order of their starts."""
    async with _opened(args) as driver:
        rows = await driver.fetch(ENDS())
    return [(completed_at - json.loads(parameters)[parameter]) / 1e6 for parameters, completed_at in rows]


@contextlib.asynccontextmanager
async def _opened(args: Mapping[str, Any]) -> AsyncIterator[Driver]:
    driver = opening.open_driver(args["url"] or opening.data_url(Path(args["data"])), is_read_only=True)
    await driver.open()
    try:
        yield driver
    finally:
        await driver.close()


def lost(found: Mapping[str, int], **wanted: int) -> int:
    """How many are missing or too many."""
    return sum(abs(found[name] - count) for name, count in wanted.items())
