"""W8 and W11 on Luigi, with its local scheduler and no history: targets are files, as in its documentation.

Runs in the peer's own virtual environment; prints one line of JSON.
"""

import json
import logging
import os
import sys
import time
from pathlib import Path

import luigi
from luigi.contrib.external_program import ExternalProgramTask

ARGS = json.loads(sys.argv[1])
HOME = Path(ARGS["data"])


def fibo(n: int) -> int:
    return n if n < 2 else fibo(n - 1) + fibo(n - 2)


class Chained(luigi.Task):
    """The task `number` of the chain `name`."""

    name = luigi.Parameter()
    number = luigi.IntParameter()

    def requires(self):
        return [type(self)(name=self.name, number=self.number - 1)] if self.number else []

    def output(self):
        return luigi.LocalTarget(str(HOME / f"{self.name}-{self.number}"))


class Fibo(Chained):
    def run(self):
        with self.output().open("w") as file:
            file.write(str(fibo(10)))


class Program(Chained, ExternalProgramTask):
    def program_args(self):
        return ARGS["command"]

    def run(self):
        super().run()
        with self.output().open("w") as file:
            file.write("0")


def build(kind, names, steps):
    began = time.perf_counter()
    tasks = [kind(name=name, number=steps - 1) for name in names]
    done = luigi.build(tasks, local_scheduler=True, workers=ARGS["slots"], log_level="ERROR")
    seconds = time.perf_counter() - began
    found = sum((HOME / f"{name}-{number}").exists() for name in names for number in range(steps))
    return seconds, len(names) * steps - found + (not done)


def main():
    logging.disable(logging.ERROR)
    HOME.mkdir()
    kind = Program if ARGS["as_processes"] else Fibo
    build(kind, ["warm"], 2)
    seconds, lost = build(kind, [f"run{number}" for number in range(ARGS["runs"])], ARGS["steps"])
    figures = {"seconds": seconds, "runs": ARGS["runs"] / seconds, "steps": ARGS["runs"] * ARGS["steps"] / seconds}
    print(json.dumps({**figures, "lost": lost}), flush=True)
    os._exit(0)


if __name__ == "__main__":
    main()
