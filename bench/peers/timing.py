"""How every engine is timed: filters compiled anew, then evaluated on one event that is taken in each time."""

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

BATCHES = 7


def report(compile: Callable[[str], Any], evaluator: Callable[[str], Callable[[dict[str, Any]], Any]]) -> None:
    """Prints microseconds by filter. `evaluator` gives what takes the roots and answers; a wrong answer is `lost`."""
    args = json.loads(sys.argv[1])
    roots = {"object": args["object"]}
    figures: dict[str, float] = {"lost": 0}
    for key, text, expected in args["filters"]:
        try:
            evaluate = evaluator(text)
            is_right = evaluate(roots) is expected
        except Exception as error:
            print(f"{key}: {error!r}", file=sys.stderr)
            is_right = False
        if is_right:
            figures[key] = microseconds(lambda evaluate=evaluate: evaluate(roots), args["seconds"])
        else:
            figures["lost"] += 1
    texts = [text for _, text, _ in args["filters"]]
    figures["compile"] = compiling(compile, texts, args["seconds"])
    print(json.dumps(figures), flush=True)


def compiling(compile: Callable[[str], Any], texts: list[str], seconds: float) -> float:
    """Of a text never seen before, on average."""
    compile("true")
    count, began, end = 0, time.perf_counter(), time.perf_counter() + seconds
    while time.perf_counter() < end:
        for text in texts:
            count += 1
            compile(f"{text} || {count} == 0")
    return (time.perf_counter() - began) / count * 1e6


def microseconds(function: Callable[[], Any], seconds: float) -> float:
    """The median over batches that share the time."""
    count = 1
    while True:
        took = _batch(function, count)
        if took > 0.002 or count > 10**6:
            break
        count *= 4
    count = max(1, int(count * seconds / BATCHES / took))
    return statistics.median(_batch(function, count) / count for _ in range(BATCHES)) * 1e6


def _batch(function: Callable[[], Any], count: int) -> float:
    began = time.perf_counter()
    for _ in range(count):
        function()
    return time.perf_counter() - began
