"""W4 on our side: of the events of each host, the first one fires; by a throttle, then by a dedupe."""

import json
import sys
import time
from typing import Any

import uvloop

from bench.ours import counting, node, sending

KEY = "event.data.host"
WINDOWS: dict[str, dict[str, Any]] = {
    "throttle": {"key": KEY, "limit": 1, "per": "5m"},
    "dedupe": {"key": KEY, "for": "5m"},
}


async def main() -> None:
    args = json.loads(sys.argv[1])
    amount, hosts, window = args["events"], args["hosts"], args["window"]
    async with node.at_rest(args) as world:
        await node.apply(world, "nothing", node.chain([{"type": "nothing", "engine": "inline"}]))
        filter = f"event.type == '{sending.TYPE}'"
        await sending.trigger(world, "first", filter, "nothing", **{window: WINDOWS[window]})
        spent, began = time.process_time(), time.perf_counter()
        await sending.send(world, range(amount), lambda number: {"host": f"host-{number % hosts}"})
        seconds, spent = time.perf_counter() - began, time.process_time() - spent
    found = await counting.counts(args, sending.TYPE)
    lost = counting.lost(found, events=amount, decisions=amount, fired=hosts, runs=hosts)
    print(json.dumps({"rate": amount / seconds, "cpu_event": spent / amount * 1e6, "lost": lost}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
