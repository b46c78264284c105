"""W8: one run of 40 light steps, one after the other: in the process that runs the run, and as processes."""

import os
import sys
from collections.abc import Iterator

from bench import durable_runs, places
from bench.contest import CPU, MEMORY, Contender, Metric, Report, contest

ROUNDS = 5
STEPS = 40
SCRIPT = "def fibo(n):\n    return n if n < 2 else fibo(n - 1) + fibo(n - 2)\nprint(fibo(10))"


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    yield _report(is_quick, as_processes=False)
    yield _report(is_quick, as_processes=True)


def _report(is_quick: bool, *, as_processes: bool) -> Report:
    program = os.path.realpath(sys.executable)
    args = {
        "steps": STEPS,
        "runs": 1,
        "slots": 1,
        "as_processes": as_processes,
        "command": [program, "-I", "-S", "-c", SCRIPT],
    }

    def against(name: str, peer: str, **more: object) -> Contender:
        command = [places.peer_python(peer), places.peer_script(f"{peer}_steps")]
        return Contender(name=name, play=lambda: durable_runs.play(command, None, {**args, **more}))

    contenders = (
        Contender(name="ours", play=lambda: durable_runs.play(durable_runs.module("light_steps"), None, args)),
        against("Luigi 3.8, not durable", "luigi"),
        against("DBOS 3.4", "dbos"),
        against("DBOS 3.4 tuned", "dbos", tuned=True),
        against("Prefect 3.9", "prefect"),
        against("Prefect 3.9 tuned", "prefect", tuned=True),
    )
    goal = 2.0 if as_processes else 0.2
    metrics = (Metric(key="seconds", title=f"{STEPS} steps, s", is_rate=False, goal=goal), CPU, MEMORY)
    title = "W8 40 steps fibo(10), each a process (python3 -I -S)" if as_processes else "W8 40 steps fibo(10) inline"
    return contest(title, contenders, metrics, 1 if is_quick else ROUNDS)
