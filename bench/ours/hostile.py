"""One text that means harm, in a process of its own: it must end in an error or a value, soon and small."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from ensue.expr import cel, relay
from ensue.expr.interface import Mapped, Program

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DEEP = 10_000
LONG = 1_000_000


def _nested_event(depth: int) -> dict[str, object]:
    value: dict[str, object] = {}
    for _ in range(depth):
        value = {"a": value}
    return value


def _rounds(depth: int) -> str:
    """Comprehensions in comprehensions: 10 to the power of the depth."""
    text = "true"
    for number in range(depth):
        text = f"[0, 1, 2, 3, 4, 5, 6, 7, 8, 9].all(x{number}, {text})"
    return text


def _doubling(count: int) -> str:
    text = "'xxxxxxxx'"
    for number in range(count):
        text = f"cel.bind(v{number}, {text}, v{number} + v{number})"
    return f"size({text}) > 0"


TEXTS: Mapping[str, tuple[Callable[[str], Program], Callable[[], str]]] = {
    "cel, text of 1 MB": (cel.compile, lambda: "1 + " * (LONG // 4) + "1"),
    "cel, string of 1 MB": (cel.compile, lambda: f"'{'x' * LONG}' == ''"),
    "cel, 8,000 clauses": (cel.compile, lambda: " || ".join(["event.text == 'a'"] * 8000)),
    "cel, list of 60,000": (cel.compile, lambda: f"[{'1, ' * 60_000}].map(x, x + 1).size() > 0"),
    "cel, 10,000 parentheses": (cel.compile, lambda: "(" * DEEP + "1" + ")" * DEEP),
    "cel, 10,000 lists": (cel.compile, lambda: "[" * DEEP + "]" * DEEP),
    "cel, 10,000 contraries": (cel.compile, lambda: "!" * DEEP + "true"),
    "cel, 10,000 selections": (cel.compile, lambda: "event" + ".a" * DEEP),
    "cel, comprehensions 10^12": (cel.compile, lambda: _rounds(12)),
    "cel, strings doubled 100 times": (cel.compile, lambda: _doubling(100)),
    "cel, catastrophic regular expression": (cel.compile, lambda: "event.text.matches('^(a+)+$')"),
    "cel, regular expression of 10^6 repeats": (cel.compile, lambda: "event.text.matches('((a{100}){100}){100}')"),
    "cel, integer of 100,000 digits": (cel.compile, lambda: "9" * 100_000 + " == 1"),
    "cel, range of 10^18": (cel.compile, lambda: "lists.range(1000000000000000000).size() > 0"),
    "cel, NUL": (cel.compile, lambda: "'\0' == event.text\0"),
    "cel, lone surrogates": (cel.compile, lambda: "'\ud800' + event.bad == '\udfff'.upperAscii()"),
    "cel, equality of deep values": (cel.compile, lambda: "event.deep == event.same"),
    "relay, text of 1 MB": (relay.compile, lambda: "${parameters.a}" * (LONG // 15)),
    "relay, 13,000 references": (relay.compile, lambda: "${parameters.a}" * 13_000),
    "relay, 10,000 parentheses": (relay.compile, lambda: "${" + "(" * DEEP + "1" + ")" * DEEP + "}"),
    "relay, 10,000 templates in templates": (relay.compile, lambda: '${"' * DEEP + '"}' * DEEP),
    "relay, catastrophic regular expression": (relay.compile, lambda: "${event.text =~ '^(a+)+$'}"),
    "relay, integer of 100,000 digits": (relay.compile, lambda: "${" + "9" * 100_000 + "}"),
    "relay, NUL": (relay.compile, lambda: "${\0} \0 ${event.text\0}"),
    "relay, lone surrogates": (relay.compile, lambda: "${event.bad + '\ud800'} \udfff"),
}


def main() -> None:
    name = json.loads(sys.argv[1])["name"]
    event = {"text": "a" * 50_000 + "!", "bad": "\ud800", "deep": _nested_event(DEEP), "same": _nested_event(DEEP)}
    scope = Mapped(roots={"event": event, "parameters": {"a": "x" * 100}}, now=NOW)
    if not name:
        relay.compile("${event.text =~ 'a'}").evaluate(scope)
        cel.compile("event.text.matches('a.b')").evaluate(scope)
        print("{}")
        return
    compile, text = TEXTS[name]
    began = time.perf_counter()
    compile(text()).evaluate(scope)
    print(json.dumps({"seconds": time.perf_counter() - began, "lost": 0}))


if __name__ == "__main__":
    main()
