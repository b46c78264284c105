"""W11: 20 runs of three steps, each the program `true`, on two slots."""

from collections.abc import Iterator

from bench import durable_runs, places
from bench.contest import CPU, MEMORY, Contender, Metric, Report, contest

ROUNDS = 5


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    args = {"runs": 20, "steps": 3, "slots": 2, "as_processes": True, "command": ["true"]}
    luigi = [places.peer_python("luigi"), places.peer_script("luigi_steps")]
    contenders = (
        Contender(name="ours", play=lambda: durable_runs.play(durable_runs.module("process_steps"), None, args)),
        Contender(name="Luigi 3.8, not durable", play=lambda: durable_runs.play(luigi, None, args)),
    )
    metrics = (
        Metric(key="runs", title="runs/s"),
        Metric(key="steps", title="steps/s"),
        CPU,
        MEMORY,
    )
    yield contest("W11 20 runs of 3 × `true`, 2 slots", contenders, metrics, 1 if is_quick else ROUNDS)
