"""What texts evaluate to, where the reference engine has no say."""

from typing import Any

import pytest

from ensue.expr import cel
from ensue.expr.interface import Code, Error, Mapped, Needs, Value
from tests.expr.cel import evaluating

EVENT: dict[str, Any] = {"n": 3, "l": [1, 2, 3], "m": {"a": 1, "b": 2}, "s": "héllo", "big": 10**30, "half": "a\ud800b"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event.l.all(i, x, x == i + 1)", True),
        ("event.l.exists(i, x, i == 1 && x == 2)", True),
        ("event.l.exists(i, x, i == 5)", False),
        ("event.l.existsOne(i, x, x > 2)", True),
        ("event.l.exists_one(i, x, x > 1)", False),
        ("event.l.existsOne(x, x == 1)", True),
        ("event.m.all(k, v, v > 0)", True),
        ("event.m.exists(k, v, k == 'b' && v == 2)", True),
        ("event.l.transformList(i, x, i * x)", [0, 2, 6]),
        ("event.l.transformList(i, x, x > 1, i)", [1, 2]),
        ("event.m.transformList(k, v, k)", ["a", "b"]),
        ("event.m.transformMap(k, v, v * 2)", {"a": 2, "b": 4}),
        ("event.m.transformMap(k, v, k != 'a', v)", {"b": 2}),
        ("event.l.transformMap(i, x, x)", {"0": 1, "1": 2, "2": 3}),
        ("event.m.transformMapEntry(k, v, {string(v): k})", {"1": "a", "2": "b"}),
        ("event.m.transformMapEntry(k, v, v > 1, {k: v})", {"b": 2}),
        ("event.l.sortBy(x, -x)", [3, 2, 1]),
        ("event.l.map(x, event.l.map(y, x * y))", [[1, 2, 3], [2, 4, 6], [3, 6, 9]]),
        ("{1: 'x'}.map(k, k)", [1]),
        ("cel.bind(x, event.n + 1, x * x)", 16),
        ("cel.bind(x, 1 / 0, true)", True),
        ("cel.bind(x, event.l, x.map(y, cel.bind(z, y, z + x.size())))", [4, 5, 6]),
        ("event.l.map(x, cel.bind(y, x, y))", [1, 2, 3]),
        ("[1].map(event, event)", [1]),
        ("[1].map(event, .event.n)", [3]),
        ("cel.bind(math, {'greatest': 1}, math.greatest)", 1),
        ("math.greatest(event.n, 7)", 7),
        ("event.big > 9223372036854775807", True),
        ("event.big == event.big", True),
        ("9007199254740993 == 9007199254740992.0", False),
        ("9007199254740993 > 9007199254740992.0", True),
        ("18446744073709551615u > 9223372036854775807", True),
        ("{1: 'a', true: 'b'}[true]", "b"),
        ("{1: 'a', true: 'b'} == {true: 'b', 1u: 'a'}", True),
        ("{'a': {1: 2}} == {'a': {1: 3}}", False),
        ("optional.of([1]) == optional.of([1.0])", True),
        ("optional.none() == optional.of(1)", False),
        ("optional.of({'a': 1}).?a.optMap(x, x + 1).orValue(0)", 2),
        ("event.half.matches('^a.b$') && event.half.matches('^a')", True),
        ("event.`s` + '!'", "héllo!"),
        ("\"\"\"two\r\nlines\"\"\"", "two\nlines"),
        ("timestamp('2024-02-29T00:00:00Z') == timestamp('2024-02-29T05:30:00+05:30')", True),
    ],
)  # fmt: skip
def test_a_text_has_a_value(text: str, expected: Any) -> None:
    found = evaluating.value(text, event=EVENT)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("timestamp('2024-02-29T12:00:00.5+01:00')", "2024-02-29T11:00:00.5Z"),
        ("duration('1h') + duration('500ms')", "3600.5s"),
        ("duration('-1ns')", "-0.000000001s"),
        ("b'\\x00\\xff'", "AP8="),
        ("7u", 7),
        ("optional.none()", None),
        ("optional.of([optional.of(1)])", [1]),
        ("type(1u)", "uint"),
        ("[double, google.protobuf.Duration]", ["double", "google.protobuf.Duration"]),
        ("{1: 1u, true: [b'a'], 'x': 0.0 / 0.0}", {"1": 1, "true": ["YQ=="], "x": "NaN"}),
        ("-1.0 / 0.0", "-Infinity"),
    ],
)
def test_a_result_becomes_json(text: str, expected: Any) -> None:
    found = evaluating.value(text)
    assert (found, type(found)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("text", "message", "position", "code"),
    [
        ("event.n == 3 && event.m.c == 1", "no such key: c", 24, Code.REFERENCE),
        ("nothing.x", "unknown name: nothing", 0, Code.REFERENCE),
        ("event.l[7]", "index 7 is outside a list of 3", 8, Code.REFERENCE),
        ("event.m['c']", "no such key: c", 8, Code.REFERENCE),
        ("event.m[{}]", "no such overload: map[map]", 8, Code.TYPE),
        ("event.n.x", "int has no field x", 8, Code.TYPE),
        ("1 + event.n / 0", "division by zero", 4, Code.VALUE),
        ("event.n + 1.0", "no such overload: int + double", 0, Code.TYPE),
        ("true && event.n", "no such overload: && of int", 8, Code.TYPE),
        ("event.n ? 1 : 2", "no such overload: ?: of int", 0, Code.TYPE),
        ("event.n.all(x, true)", "all walks through a list or a map, not int", 0, Code.TYPE),
        ("event.l.all(x, x)", "no such overload: all of int", 15, Code.TYPE),
        ("event.s.startsWith(1)", "no such overload: startsWith(string, int)", 0, Code.TYPE),
        ("event.n.startsWith('a')", "no such overload: startsWith(int)", 0, Code.TYPE),
        ("event.s.matches('(')", "invalid regular expression: missing ): (", 0, Code.VALUE),
        ("event.s.matches('a' + '(')", "invalid regular expression: missing ): a(", 0, Code.VALUE),
        ("{0: 1, 0u: 2}", "the map has the key 0 twice", 0, Code.VALUE),
        ("{'a': 1, 'a': 2}", "the map has the key a twice", 0, Code.VALUE),
        ("{1.5: 1}", "a map cannot have a key of type double", 0, Code.TYPE),
        ("event.m.transformMapEntry(k, v, {'a': v})", "the map has the key a twice", 0, Code.VALUE),
        ("event.m.transformMapEntry(k, v, v)", "transformMapEntry needs a map of entries, not int", 32, Code.TYPE),
        ("[?event.n]", "? needs an optional value here, not int", 2, Code.TYPE),
        ("optional.none().value()", "optional.none() dereference", 0, Code.VALUE),
        ("event.n.orValue(1)", "no such overload: orValue(int)", 0, Code.TYPE),
        ("bytes(event.half)", "half a surrogate pair is no Unicode character", 0, Code.VALUE),
        ("event.big + 1", "integer overflow", 0, Code.VALUE),
        ("double(event.l.size()) + double('1x')", "not a double: '1x'", 25, Code.VALUE),
    ],
)
def test_a_text_fails_with_a_position(text: str, message: str, position: int, code: Code) -> None:
    assert evaluating.error(text, event=EVENT) == Error(message, position, code)


@pytest.mark.parametrize(
    ("text", "needed"),
    [
        ("secrets.a == 'x'", {"secrets"}),
        ("secrets.a == 'x' && event.n == 3", {"secrets"}),
        ("secrets.a == 'x' && outputs.b == 1", {"secrets", "outputs"}),
        ("event.zz && secrets.a", {"secrets"}),
        ("event.l.exists(x, secrets.a == x)", {"secrets"}),
        ("cel.bind(x, secrets, x.a + x.a)", {"secrets"}),
        ("size(secrets) > 0", {"secrets"}),
    ],
)
def test_what_is_not_loaded_is_asked_for(text: str, needed: set[str]) -> None:
    scope = Mapped({"event": EVENT, "secrets": {}, "outputs": {}}, evaluating.NOW, frozenset({"secrets", "outputs"}))
    assert cel.compile(text).evaluate(scope) == Needs(frozenset((name,) for name in needed))


@pytest.mark.parametrize(
    "text", ["secrets.a == 'x' && event.n == 4", "event.n == 3 || secrets.a", "[1].exists(x, true)"]
)
def test_what_cannot_matter_is_not_asked_for(text: str) -> None:
    scope = Mapped({"event": EVENT, "secrets": {}}, evaluating.NOW, frozenset({"secrets"}))
    assert isinstance(cel.compile(text).evaluate(scope), Value)


@pytest.mark.parametrize(
    ("text", "roots"),
    [
        ("event.a == context.b", {"event", "context"}),
        ("[1].map(x, x + y)", {"y"}),
        ("math.greatest(1, 2)", set()),
        ("type(1) == int", set()),
        ("cel.bind(x, event, x)", {"event"}),
        (".event.a", {"event"}),
        ("1 +", set()),
    ],
)
def test_a_program_names_the_roots_it_reads(text: str, roots: set[str]) -> None:
    assert cel.compile(text).refs == {(name,) for name in roots}


def test_a_text_is_compiled_once() -> None:
    assert cel.compile("event.once == 1") is cel.compile("event.once == 1")


def test_a_plain_result_is_the_event_itself() -> None:
    assert evaluating.value("event.m", event=EVENT) is EVENT["m"]
