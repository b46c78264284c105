"""W10: durable runs of two inline steps, one after the other and all at once, on either database."""

import contextlib
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from bench import places, processes
from bench.contest import CPU, MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 5
DBOS, TUNED, BARE, GROUPED = "DBOS 3.4", "DBOS 3.4 tuned", "bare SQL", "bare SQL, grouped"


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    if only in ("", "sqlite"):
        yield _report(None, is_quick)
    if only in ("", "postgres"):
        with places.running_postgres() as server:
            yield _report(server, is_quick)


def _report(server: places.Postgres | None, is_quick: bool) -> Report:
    amount = {"alone": 50, "together": 100} if is_quick else {"alone": 300, "together": 1000}
    dbos = [places.peer_python("dbos"), places.peer_script("dbos_runs")]
    contenders = (
        Contender(name="ours", play=lambda: play(module("durable_runs"), server, amount)),
        Contender(name=BARE, play=lambda: play(module("bare"), server, {**amount, "group": 1})),
        Contender(name=GROUPED, play=lambda: play(module("bare"), server, {**amount, "group": 100})),
        Contender(name=DBOS, play=lambda: play(dbos, server, amount)),
        Contender(name=TUNED, play=lambda: play(dbos, server, {**amount, "tuned": True})),
    )
    ratios = {BARE: 0.5, DBOS: 5.0, TUNED: 5.0}
    alone, together = (None, None) if server else (300.0, 800.0)
    metrics = (
        Metric(key="alone", title="one by one, runs/s", goal=alone, ratios=ratios),
        Metric(key="together", title=f"{amount['together']} at once, runs/s", goal=together, ratios=ratios),
        CPU,
        MEMORY,
        *([Metric(key="server_cpu", title="processor seconds of PostgreSQL", is_rate=False)] if server else ()),
    )
    name = f"PostgreSQL {server.version().split()[0]}" if server else "SQLite"
    return contest(f"W10 durable two-step runs, {name}", contenders, metrics, 1 if is_quick else ROUNDS)


def module(name: str) -> list[str]:
    return [sys.executable, "-m", f"bench.ours.{name}"]


def play(command: Sequence[str], server: places.Postgres | None, args: dict[str, Any]) -> Figures:
    """From an empty database to the answer, and what it cost."""
    with places.scratch() as home, database(server) as url:
        before = processes.spent(server.pid) if server else 0.0
        done = run(command, home, server, {"url": url, "data": str(home / "data"), **args})
        figures = {**done.answer, "cpu": done.cpu, "memory": done.memory}
        return figures | ({"server_cpu": processes.spent(server.pid) - before} if server else {})


def run(
    command: Sequence[str], home: Path, server: places.Postgres | None, args: dict[str, Any], may_die: bool = False
) -> processes.Done:
    return processes.run(
        [*command, json.dumps({"tuned": False, "crash": False, "dies": False, **args})],
        cwd=places.ROOT,
        env=places.environment(home),
        spared=[server.pid] if server else [],
        may_die=may_die,
    )


@contextlib.contextmanager
def database(server: places.Postgres | None) -> Iterator[str]:
    if server is None:
        yield ""
    else:
        with server.database() as url:
            yield url
