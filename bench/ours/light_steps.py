"""W8 on our side: one run of steps after another, each fibo(10), in the server's process or as a process of its own."""

import json
import sys
import time

import uvloop

from bench.ours import node

INLINE = {"type": "fibo", "engine": "inline", "with": {"n": 10}}


async def main() -> None:
    args = json.loads(sys.argv[1])
    step = {"command": args["command"]} if args["as_processes"] else INLINE
    async with node.at_work(args) as world:
        await node.apply(world, "warm", node.chain([step, step]))
        await node.apply(world, "steps", node.chain([step] * args["steps"]))
        await node.play(world, "warm")
        began = time.perf_counter()
        run = await node.play(world, "steps")
        seconds = time.perf_counter() - began
        ended = await world.history.steps(node.NAMESPACE, run.uid)
        lost = args["steps"] - sum(step_run.state == "Succeeded" for step_run in ended)
        print(json.dumps({"seconds": seconds, "lost": lost}), flush=True)


if __name__ == "__main__":
    uvloop.run(main())
