"""W8 on DBOS: one workflow of steps, each fibo(10). Runs in the peer's own virtual environment."""

import json
import subprocess
import sys
import time

from dbos_runs import DBOS, launch

ARGS = json.loads(sys.argv[1])


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@DBOS.step()
def step(number: int) -> int:
    if ARGS["as_processes"]:
        subprocess.run(ARGS["command"], check=True, stdout=subprocess.DEVNULL)
        return number
    return fibo(10) + number


@DBOS.workflow()
def chain(count: int) -> int:
    done = 0
    for number in range(count):
        step(number)
        done += 1
    return done


def main() -> None:
    launch(ARGS)
    chain(2)
    began = time.perf_counter()
    done = chain(ARGS["steps"])
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "lost": ARGS["steps"] - done}), flush=True)
    DBOS.destroy()


if __name__ == "__main__":
    main()
