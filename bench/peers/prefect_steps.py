"""W8 on Prefect with the local server that it starts by itself (SQLite). Telemetry is off.

Runs in the peer's own virtual environment; prints one line of JSON. Tuned: no result cache, no logs to the server.
"""

import json
import os
import subprocess
import sys
import time

ARGS = json.loads(sys.argv[1])
os.environ |= {
    "DO_NOT_TRACK": "1",
    "PREFECT_HOME": ARGS["data"],
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ALLOW_EPHEMERAL_MODE": "true",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "120",
}
if ARGS["tuned"]:
    os.environ["PREFECT_LOGGING_TO_API_ENABLED"] = "false"

from prefect import flow, task  # noqa: E402
from prefect.cache_policies import DEFAULT, NO_CACHE  # noqa: E402


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


@task(cache_policy=NO_CACHE if ARGS["tuned"] else DEFAULT)
def step(number: int, before: int) -> int:
    if ARGS["as_processes"]:
        subprocess.run(ARGS["command"], check=True, stdout=subprocess.DEVNULL)
        return number
    return fibo(10) + number


@flow
def chain(first: int, count: int) -> int:
    before, done = 0, 0
    for number in range(first, first + count):
        before = step(number, before)
        done += 1
    return done


def main() -> None:
    chain(1000, 2)
    began = time.perf_counter()
    done = chain(0, ARGS["steps"])
    seconds = time.perf_counter() - began
    print(json.dumps({"seconds": seconds, "lost": ARGS["steps"] - done}), flush=True)


if __name__ == "__main__":
    main()
