"""Texts and data that would cost too much, or that are no text at all, end in an error within the budget."""

from typing import Any

import pytest

from ensue.expr import cel
from ensue.expr.interface import LIMITS, Code, Error, Limits, Mapped, Value
from tests.expr.cel import evaluating

LIST = list(range(1000))
WIDE = "a" * 1_000_000


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "text",
    [
        "event.l.all(a, event.l.all(b, event.l.all(c, a + b + c >= 0)))",
        "event.l.map(a, event.l.map(b, [a, b])).size() > 0",
        "event.l.exists(a, event.l.exists(b, a + b < 0))",
        "event.l.exists(a, event.l.exists(b, event.zz))",
        "event.l.filter(a, event.l == event.l.map(x, x)).size() > 0",
        "event.l.transformMap(i, a, event.l.transformMap(j, b, a)).size() > 0",
        "event.l.exists(a, event.wide.contains('b'))",
        "event.l.exists(a, event.wide != event.other + '')",
        "event.l.exists(a, (event.wide + 'x') == event.wide)",
        "event.l.exists(a, event.wide.matches('(a|b|ab)*c'))",
        "event.l.exists(a, 'x'.matches(string(a) + '(a{100}){9}'))",
        "event.l.exists(a, event.wide.matches('(((a{30}){30})|b)*$'))",
        "event.l.exists(a, bytes(event.wide).size() == a)",
        "event.l.all(a, timestamp(a).getHours('Europe/Berlin') < 25 && event.l.all(b, true))",
        "event.l.exists(a, event.wide.replace('a', 'bb').size() == a)",
        "event.l.exists(a, event.wide.split('').size() == a)",
        "event.l.exists(a, lists.range(100000).size() == a)",
        "event.l.exists(a, [event.wide].join(event.wide).size() == a)",
        "event.l.exists(a, '%s'.format([event.l]).size() == a)",
        "event.l.exists(a, a in event.l.map(x, -x - 1))",
        "event.l.map(a, event.l).flatten().size() > 0 && event.l.map(a, event.l).flatten().distinct().size() > 0",
    ],
)
def test_a_costly_text_ends_at_its_budget(text: str) -> None:
    event = {"l": LIST, "wide": WIDE, "other": WIDE}
    assert evaluating.error(text, event=event).code is Code.LIMIT


def doubling(count: int, seed: str, step: str) -> str:
    """`cel.bind(x1, …, cel.bind(x2, …, last))`: each doubles the one before."""
    text = f"x{count}"
    for number in reversed(range(1, count + 1)):
        text = f"cel.bind(x{number}, {step.format(f'x{number - 1}')}, {text})"
    return f"cel.bind(x0, {seed}, {text})"


@pytest.mark.parametrize(
    ("seed", "step", "use"),
    [
        ("'ab'", "{0} + {0}", "{}"),
        ("[1]", "{0} + {0}", "{}"),
        ("[1]", "[{0}, {0}]", "{}"),
        ("{'a': 1}", "{{'a': {0}, 'b': {0}}}", "{}"),
        ("[1]", "[{0}, {0}]", "({0}) == ({0}) && ({0}) != [b'']"),
        ("[b'']", "[{0}, {0}]", "{}"),
        ("[1]", "[{0}, {0}]", "'%s'.format([{}])"),
        ("optional.of(1)", "[{0}, {0}]", "{}"),
    ],
)
def test_what_doubles_ends_at_its_budget(seed: str, step: str, use: str) -> None:
    assert evaluating.error(use.format(doubling(60, seed, step))).code is Code.LIMIT


def test_a_failing_value_is_not_tried_again_and_again() -> None:
    assert evaluating.error(doubling(60, "1 / 0 == 1", "{0} || {0}")).message == "division by zero"


def test_failing_clauses_are_not_tried_again_and_again() -> None:
    text = "event.zz"
    for _ in range(60):
        text = f"(event.zz || (event.zz && {text}))"
    assert evaluating.error(text, event={}).message == "no such key: zz"


def test_comparing_what_shares_its_parts_ends_at_the_budget() -> None:
    left = doubling(60, "[1]", "[{0}, {0}]")
    assert evaluating.error(f"({left}) == ({left})").code is Code.LIMIT


@pytest.mark.parametrize("text", ["event == other", "event in [other]", "[event] == [other]", "event != other"])
def test_deep_data_is_compared_without_frames(text: str) -> None:
    wanted = text != "event != other"
    assert evaluating.value(text, event=nested(20_000), other=nested(20_000)) is wanted


def test_deep_data_passes_through() -> None:
    event = nested(20_000)
    assert evaluating.value("event", event=event) is event


def test_deep_data_beside_what_is_no_json_is_bounded() -> None:
    error = evaluating.error("[event, duration('1s')]", event=nested(20_000))
    assert error == Error("the result is nested deeper than 200", 0, Code.LIMIT)


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("event * 2", 10**5_000),
        ("string(event)", 10**5_000),
        ("double(event)", 10**5_000),
        ("event - 1", -(10**5_000)),
        ("uint(event)", 10**5_000),
        ("timestamp(event)", 10**5_000),
        ("[1][event]", 10**5_000),
        ("{1: 2}[event]", 10**5_000),
        ("timestamp(string(event))", "9" * 5_000),
        ("int(event)", "9" * 1_000_000),
        ("double(event)", "9" * 1_000_000),
        ("duration(event)", "9" * 1_000_000 + "s"),
        ("duration(event)", "1h" * 500_000),
        ("timestamp(event)", "2024-01-01T00:00:00." + "9" * 1_000_000 + "Z"),
        ("timestamp(0).getHours(event)", "../../etc/passwd"),
        ("timestamp(0).getHours(event)", "Europe\x00/Berlin"),
        ("timestamp(0).getHours(event)", "Europe"),
        ("timestamp(0).getHours(event)", "localtime"),
        ("timestamp(0).getHours(event)", "A" * 1_000_000),
        ("timestamp(0).getHours(event)", "\ud800"),
        ("timestamp('0001-01-01T00:00:00Z').getHours(event)", "-12:00"),
        ("'a'.matches(event)", "\ud800"),
        ("'a'.matches(event)", "(" * 100_000),
        ("'a'.matches(event)", "((a{100}){100}){100}"),
        ("'a'.matches(event)", "(?=a)"),
        ("bytes(event)", "\udfff"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_hostile_data_gives_an_error(text: str, event: Any) -> None:
    assert evaluating.error(text, event=event).message


@pytest.mark.parametrize(
    ("text", "event", "expected"),
    [
        ("size(event)", "\ud800\x00", 2),
        ("event + 'a'", "\x00", "\x00a"),
        ("event == '\\x00'", "\x00", True),
        ("event.contains('\x00')", "a\x00b", True),
        ("event.matches('^a.b$')", "a\x00b", True),
        ("event.matches('a.[^x]')", "a\ud800\ud801", True),
        ("event.matches('^(a+)+$')", "a" * 200 + "b", False),
        ("event.startsWith('a')", "a\ud800", True),
    ],
)
def test_odd_characters_are_characters(text: str, event: str, expected: Any) -> None:
    assert evaluating.value(text, event=event) == expected


@pytest.mark.parametrize(
    "text",
    [
        "(" * 1_000_000,
        "a" * 1_000_000,
        "'" + "a" * 1_000_000,
        "1 + " * 250_000 + "1",
        "\x00" * 1_000_000,
        "//" * 500_000,
    ],
)
def test_a_text_of_a_megabyte_is_refused(text: str) -> None:
    assert cel.compile(text).error == Error("longer than 200000 characters", 0, Code.LIMIT)


@pytest.mark.parametrize(
    "text",
    [
        "'" * 199_999, '"""' + "a" * 190_000, "`" * 190_000, "'\\" * 90_000, "a." * 90_000, "a&&" * 60_000,
        "." * 190_000, "1e" * 90_000, "0x" * 90_000, "[" * 190_000, "-" * 190_000, "a?" * 90_000, "//" * 90_000,
        "{" * 190_000, "b" * 190_000, "a,b" * 60_000, "\ud800" * 10, "r'" * 90_000, "1" * 190_000, "\\u" * 90_000,
    ],
)  # fmt: skip
def test_a_long_text_ends_in_an_answer(text: str) -> None:
    program = cel.compile(text)
    assert isinstance(program.evaluate(Mapped({}, evaluating.NOW)), Error)


def test_a_generous_depth_ends_in_an_answer() -> None:
    limits = Limits(depth=100_000)
    for text in ("(" * 50_000 + "1" + ")" * 50_000, "!" * 50_001 + "true", "1" + "+1" * 50_000):
        assert evaluating.error(text, limits).code is Code.LIMIT


@pytest.mark.parametrize("rounds", [1, 10, 49, 50])
def test_rounds_are_counted_exactly(rounds: int) -> None:
    limits = Limits(steps=50)
    assert isinstance(evaluating.result("event.all(x, true)", limits, event=LIST[:rounds]), Value)
    assert evaluating.error("event.all(x, true)", limits, event=LIST[:51]) == Error(
        "took more than 50 steps", 0, Code.LIMIT
    )


def test_a_limit_is_not_absorbed() -> None:
    limits = Limits(steps=50)
    for text in ("event.all(x, true) || true", "[1].exists(x, event.all(y, true) || true)"):
        assert evaluating.error(text, limits, event=LIST).code is Code.LIMIT


def test_size_is_counted() -> None:
    limits = Limits(size=10)
    assert evaluating.error("event + event", limits, event="abcdef").code is Code.LIMIT
    assert evaluating.error("[1, 2, 3, 4, 5, 6] + [1, 2, 3, 4, 5, 6]", limits).code is Code.LIMIT
    assert isinstance(evaluating.result("event + event", limits, event="abcde"), Value)


def test_a_large_event_can_be_filtered() -> None:
    event = {"body": WIDE, "l": list(range(30_000))}
    text = "event.body.contains('aab') || event.body.matches('^[ab]+c') || event.l.exists(x, x == 29999)"
    assert evaluating.value(text, event=event) is True


def test_the_default_limits_are_what_is_tested() -> None:
    assert (LIMITS.text, LIMITS.depth, LIMITS.steps, LIMITS.size) == (200_000, 200, 100_000, 2_000_000)
