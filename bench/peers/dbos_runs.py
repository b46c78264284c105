"""W10 on DBOS: a workflow of two steps. Runs in the peer's own virtual environment; prints one line of JSON.

Defaults are those of its documentation. Tuned: a write-ahead log on SQLite, a pool as large as ours and the
number of threads that was best here.
"""

import json
import os
import signal
import sys
import time
from pathlib import Path

import pysqlite3

sys.modules["sqlite3"] = pysqlite3  # that of Debian 12 is too old for DBOS (spec: durable-execution §3.3)

from dbos import DBOS, SetWorkflowID  # noqa: E402

TUNED = {"sys_db_pool_size": 10, "max_executor_threads": 16}


@DBOS.step()
def first() -> str:
    return "a"


@DBOS.step()
def second(text: str) -> str:
    return text + "b"


@DBOS.workflow()
def two_steps() -> str:
    return second(first())


def launch(args: dict) -> None:
    Path(args["data"]).mkdir(parents=True, exist_ok=True)
    os.chdir(args["data"])
    url = args["url"] or f"sqlite:///{args['data']}/dbos.sqlite"
    config = {"name": "bench", "system_database_url": url, "log_level": "ERROR", "application_version": "1"}
    if args["tuned"]:
        config |= TUNED
        if url.startswith("sqlite"):
            file = pysqlite3.connect(url.removeprefix("sqlite:///"))
            file.execute("PRAGMA journal_mode = WAL")
            file.close()
    DBOS(config=config)
    DBOS.launch()


def rate(args: dict) -> dict:
    for _ in range(20):
        two_steps()
    began = time.perf_counter()
    for _ in range(args["alone"]):
        two_steps()
    alone = args["alone"] / (time.perf_counter() - began)
    began = time.perf_counter()
    handles = [DBOS.start_workflow(two_steps) for _ in range(args["together"])]
    ended = sum(handle.get_result() == "ab" for handle in handles)
    together = args["together"] / (time.perf_counter() - began)
    stored = len(DBOS.list_workflows(status="SUCCESS", load_input=False, load_output=False))
    lost = args["together"] - ended + max(0, 20 + args["alone"] + args["together"] - stored)
    return {"alone": alone, "together": together, "lost": lost}


def crash(args: dict) -> dict:
    """Start all by their keys. The first time: die when half of them have ended. Then: wait for all."""
    began = args["began"]
    handles = []
    for number in range(args["together"]):
        with SetWorkflowID(f"key-{number}"):
            handles.append(DBOS.start_workflow(two_steps))
    ended = 0
    for handle in handles:
        ended += handle.get_result() == "ab"
        if args["dies"] and ended >= args["together"] // 2:
            os.kill(os.getpid(), signal.SIGKILL)
    seconds = time.time() - began
    stored = DBOS.list_workflows(load_input=False, load_output=False)
    done = sum(item.status == "SUCCESS" for item in stored)
    return {"seconds": seconds, "lost": args["together"] - done, "extra": len(stored) - args["together"]}


def main() -> None:
    args = json.loads(sys.argv[1])
    launch(args)
    print(json.dumps(crash(args) if args["crash"] else rate(args)), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
