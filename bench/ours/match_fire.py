"""W1 on our side: each event fires the one trigger, whose run of one step is stored with it; then, until all ended."""

import itertools
import json
import sys
import time
from collections.abc import Mapping
from typing import Any

import uvloop

from bench.ours import counting, node, sending
from ensue.operations.world import World

NOTHING = {"type": "nothing", "engine": "inline"}
WARM = 500


async def fire(args: Mapping[str, Any]) -> dict[str, float]:
    """Runs are stored, and begun by nobody: that is the next one's."""
    numbers = itertools.count()
    figures: dict[str, float] = {}
    async with node.at_rest(args) as world:
        await _prepare(world, numbers)
        for amount in args["amounts"]:
            spent, began = time.process_time(), time.perf_counter()
            await _send(world, numbers, amount)
            seconds, spent = time.perf_counter() - began, time.process_time() - spent
            figures |= {f"fired_{amount}": amount / seconds, f"cpu_{amount}": spent / amount * 1e6}
    found = await counting.counts(args, sending.TYPE)
    total = WARM + sum(args["amounts"])
    lost = counting.lost(found, events=total, decisions=total, fired=total, runs=total, steps=total)
    return {**figures, "lost": lost}


async def end(args: Mapping[str, Any]) -> dict[str, float]:
    """Until the last run has ended."""
    numbers = itertools.count()
    total = WARM + args["ended"]
    async with node.at_work(args) as world:
        await _prepare(world, numbers)
        await counting.until_succeeded(args, WARM)
        spent, began = time.process_time(), time.perf_counter()
        await _send(world, numbers, args["ended"])
        await counting.until_succeeded(args, total)
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
    found = await counting.counts(args, sending.TYPE)
    lost = counting.lost(found, events=total, decisions=total, fired=total, runs=total, succeeded=total)
    return {"ended": args["ended"] / seconds, "cpu_ended": spent / args["ended"] * 1e6, "lost": lost}


async def _prepare(world: World, numbers: "itertools.count[int]") -> None:
    await node.apply(world, "nothing", node.chain([NOTHING]))
    await sending.trigger(world, "every", f"event.type == '{sending.TYPE}' && has(event.data.i)", "nothing")
    await _send(world, numbers, WARM)


async def _send(world: World, numbers: "itertools.count[int]", amount: int) -> None:
    await sending.send(world, itertools.islice(numbers, amount), lambda number: {"i": number})


async def main() -> None:
    args = json.loads(sys.argv[1])
    print(json.dumps(await (end if args["ended"] else fire)(args)), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
