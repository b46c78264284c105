"""Our side: filters in CEL on one event."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bench.peers import timing
from ensue.expr import cel
from ensue.expr.interface import Mapped, Program, Value

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def evaluator(text: str) -> Callable[[dict[str, Any]], Any]:
    program = cel.compile(text)

    def evaluate(roots: dict[str, Any]) -> Any:
        found = program.evaluate(Mapped(roots=roots, now=NOW))
        return found.value if type(found) is Value else None

    return evaluate


def compile(text: str) -> Program:
    return cel.compile(text)


if __name__ == "__main__":
    timing.report(compile, evaluator)
