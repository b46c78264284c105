"""Small templates a second."""

import json
import sys
from datetime import UTC, datetime

from bench.peers import timing
from ensue.expr import relay
from ensue.expr.interface import Mapped, Value

SCOPE = Mapped(roots={"parameters": {"branch": "main"}}, now=datetime(2026, 1, 1, tzinfo=UTC))
TEMPLATES = {
    "reference": ("${parameters.branch}", "main"),
    "text": ("build-${parameters.branch}", "build-main"),
    "compare": ("${parameters.branch == 'main'}", True),
}


def main() -> None:
    seconds = json.loads(sys.argv[1])["seconds"]
    figures: dict[str, float] = {"lost": 0}
    for key, (text, expected) in TEMPLATES.items():
        program = relay.compile(text)
        figures["lost"] += program.evaluate(SCOPE) != Value(expected)
        figures[key] = 1e6 / timing.microseconds(lambda program=program: program.evaluate(SCOPE), seconds)
    count = iter(range(10**9))
    figures["compile"] = timing.microseconds(
        lambda: relay.compile(f"${{parameters.branch == '{next(count)}'}}"), seconds
    )
    print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
