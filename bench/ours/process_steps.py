"""W11 on our side: runs of three steps, each the program `true`, on two slots."""

import asyncio
import json
import sys
import time

import uvloop

from bench.ours import node

STEPS = 3


async def main() -> None:
    args = json.loads(sys.argv[1])
    async with node.at_work(args, process_slots=args["slots"]) as world:
        await node.apply(world, "build", node.chain([{"command": ["true"]}] * STEPS))
        await node.play(world, "build")
        began = time.perf_counter()
        runs = await asyncio.gather(*(node.play(world, "build") for _ in range(args["runs"])))
        seconds = time.perf_counter() - began
        lost = args["runs"] * STEPS
        for run in runs:
            attempts = await world.history.attempts(node.NAMESPACE, run.uid)
            lost -= sum(attempt.exit_code == 0 for attempt in attempts)
        figures = {"runs": args["runs"] / seconds, "steps": args["runs"] * STEPS / seconds, "lost": lost}
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
