"""W10: kill -9 when half of the runs have ended, start again, and every run ends once."""

import time
from collections.abc import Iterator, Sequence
from typing import Any

from bench import durable_runs, places, processes
from bench.contest import Contender, Figures, Metric, Report, contest

ROUNDS = 5


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only in ("", "sqlite"):
        yield _report(None, is_quick)
    if only in ("", "postgres"):
        with places.running_postgres() as server:
            yield _report(server, is_quick)


def _report(server: places.Postgres | None, is_quick: bool) -> Report:
    count = 100 if is_quick else 500
    dbos = [places.peer_python("dbos"), places.peer_script("dbos_runs")]
    contenders = (
        Contender(name="ours", play=lambda: _play(durable_runs.module("durable_runs"), server, count, {})),
        Contender(name=durable_runs.DBOS, play=lambda: _play(dbos, server, count, {})),
        Contender(name=durable_runs.TUNED, play=lambda: _play(dbos, server, count, {"tuned": True})),
    )
    metrics = (
        Metric(key="seconds", title="from the restart to the last run's end, s", is_rate=False),
        Metric(key="lost", title="lost or doubled", is_rate=False, goal=0.0),
    )
    name = f"PostgreSQL {server.version().split()[0]}" if server else "SQLite"
    title = f"W10 kill -9 at half of {count} runs at once, {name}"
    return contest(title, contenders, metrics, 1 if is_quick else ROUNDS)


def _play(command: Sequence[str], server: places.Postgres | None, count: int, args: dict[str, Any]) -> Figures:
    with places.scratch() as home, durable_runs.database(server) as url:
        args = {"url": url, "data": str(home / "data"), "together": count, "crash": True, **args}
        died = durable_runs.run(command, home, server, {**args, "dies": True, "began": time.time()}, may_die=True)
        if died.answer:
            raise processes.Broken("it was to die and did not")
        done = durable_runs.run(command, home, server, {**args, "dies": False, "began": time.time()})
        return {"seconds": done.answer["seconds"], "lost": done.answer["lost"] + abs(done.answer.get("extra", 0))}
