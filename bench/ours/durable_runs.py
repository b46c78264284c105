"""W10 on our side: runs of two inline steps, through the operations that the API calls."""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from typing import Any

import uvloop

from bench.ours import node
from ensue.operations import runs
from ensue.operations.world import World
from ensue.ports.store import RunFilter

WARM = 20
NOTHING = {"type": "nothing", "engine": "inline"}


async def rate(world: World, args: Mapping[str, Any]) -> dict[str, float]:
    for _ in range(WARM):
        await node.play(world, "two")
    began = time.perf_counter()
    for _ in range(args["alone"]):
        await node.play(world, "two")
    alone = args["alone"] / (time.perf_counter() - began)
    began = time.perf_counter()
    await asyncio.gather(*(node.play(world, "two") for _ in range(args["together"])))
    together = args["together"] / (time.perf_counter() - began)
    lost = await missing(world, WARM + args["alone"] + args["together"])
    return {"alone": alone, "together": together, "lost": lost}


async def crash(world: World, args: Mapping[str, Any]) -> dict[str, float]:
    """Start all by their keys. The first time: die when half of them have ended. Then: wait for all."""
    ended = 0

    async def one(number: int) -> None:
        nonlocal ended
        await node.play(world, "two", key=f"key-{number}")
        ended += 1
        if args["dies"] and ended == args["together"] // 2:
            os.kill(os.getpid(), signal.SIGKILL)

    await asyncio.gather(*map(one, range(args["together"])))
    seconds = time.time() - args["began"]
    return {"seconds": seconds, "lost": await missing(world, args["together"])}


async def missing(world: World, wanted: int) -> int:
    """How many runs are missing or too many, and how many ends were not told of exactly once."""
    count, after = 0, ""
    while True:
        page = await runs.list_all(node.ME, world, RunFilter(namespace=node.NAMESPACE), 1000, after)
        count += sum(run.state == "Succeeded" for run in page.items)
        after = page.after
        if not after:
            break
    # The keeper moves ends to the feed a little later.
    for _ in range(100):
        if (told := await _told(world)) >= wanted:
            break
        await asyncio.sleep(0.1)
    return abs(wanted - count) + abs(wanted - told)


async def _told(world: World) -> int:
    subjects: list[str] = []
    after = ""
    while True:
        page = await world.feed.read(node.NAMESPACE, after, 1000)
        subjects += [stored.event.subject for stored in page.items]
        if len(page.items) < 1000:
            return len(subjects) if len(set(subjects)) == len(subjects) else -1
        after = page.after


async def main() -> None:
    args = json.loads(sys.argv[1])
    async with node.at_work(args) as world:
        await node.apply(world, "two", node.chain([NOTHING, NOTHING]))
        print(json.dumps(await (crash if args["crash"] else rate)(world, args)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
