"""A relay file of a hundred steps, read and checked, beside PyYAML's load of the same text."""

import functools
import json
import sys
from collections.abc import Iterator

from bench import places, processes
from bench.contest import MEMORY, Contender, Figures, Metric, Report, contest

ROUNDS = 5
WAYS = {"ours": "ours", "PyYAML on libyaml": "libyaml", "PyYAML": "python"}


def reports(*, is_quick: bool, only: str) -> Iterator[Report]:
    rounds, files = (1, 5) if is_quick else (ROUNDS, 32)
    contenders = [Contender(name=name, play=functools.partial(_play, way, files)) for name, way in WAYS.items()]
    metrics = (
        Metric(
            key="first",
            title="a file never seen before, processor ms",
            is_rate=False,
            goal=50.0,
            ratios={"PyYAML": 1.0},
        ),
        Metric(key="again", title="the same file again, processor ms", is_rate=False),
        Metric(key="size", title="size of the file, kB", is_rate=False),
        MEMORY,
    )
    yield contest("A relay file of 100 steps, read and checked; peers load YAML alone", contenders, metrics, rounds)


def _play(way: str, files: int) -> Figures:
    command = [sys.executable, "-m", "bench.ours.reading", json.dumps({"way": way, "files": files})]
    with places.scratch() as home:
        done = processes.run(command, cwd=places.ROOT, env=places.environment(home))
    return {**done.answer, "memory": done.memory}
