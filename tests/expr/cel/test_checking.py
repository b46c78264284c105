"""The static check."""

import pytest

from ensue.expr import cel

ROOTS = ("event", "context")


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("evnt.type == 'a'", [(0, "unknown name: evnt; did you mean event?")]),
        ("event.a == 1 && contxt.b == 2", [(16, "unknown name: contxt; did you mean context?")]),
        ("event.l.all(x, y > 1)", [(15, "unknown name: y")]),
        ("event.a.foo(zz)", [(8, "unknown function: foo"), (12, "unknown name: zz")]),
        ("event.type.startWith('a')", [(11, "unknown function: startWith; did you mean startsWith?")]),
        ("event.x.startsWith(1)", [(0, "no such overload: startsWith(dyn, int)")]),
        ("size(1) > 0", [(0, "no such overload: size(int)")]),
        ("event.type == 1 + 'a'", [(14, "no such overload: int + string")]),
        ("1 == 'a'", [(0, "int is never equal to string")]),
        ("size(event.l) == '3'", [(0, "int is never equal to string")]),
        ("event.a < 5 && 'a' < 1", [(15, "no such overload: string < int")]),
        ("1 && true", [(0, "&& needs bool, not int")]),
        ("!size(event.l) || false", [(1, "! needs bool, not int")]),
        ("event.l.filter(x, x.size())", [(0, "this must be bool, and is list"), (18, "filter needs bool, not int")]),
        ("'abc'.all(x, true)", [(0, "all needs list or map, not string")]),
        ("'abc'.a == 1", [(0, "string has no field a")]),
        ("has('abc'.a)", [(4, "string has no field a")]),
        ("'abc'[0] == 'a'", [(6, "no such overload: string[int]")]),
        ("[1]['a'] == 1", [(4, "no such overload: list[string]")]),
        ("-'a' == 1", [(1, "- needs int or double, not string")]),
        ("1 in 'abc'", [(0, "no such overload: int in string")]),
        ("{1.5: 2} == {}", [(1, "a key needs bool or int or uint or string, not double")]),
        ("[?1] == []", [(2, "? needs optional, not int")]),
        ("event.s.matches('(')", [(16, "invalid regular expression: missing ): (")]),
        ("timestamp('x') < event.t", [(10, "not a timestamp as 2006-01-02T15:04:05Z: 'x'")]),
        ("event.l.map(x, x)", [(0, "this must be bool, and is list")]),
        ("'a'.optMap(x, x).hasValue()", [(0, "optMap needs optional, not string")]),
        ("event.a == ", [(11, "expected a value, but the text ends")]),
        ("timestamp(0) + timestamp(1) == event.t", [(0, "no such overload: timestamp + timestamp")]),
        ("string(event.n) == 1", [(0, "string is never equal to int")]),
        ("cel.bind(x, 1, x == 'a')", [(15, "int is never equal to string")]),
        ("event.l.transformMapEntry(k, v, 1) == {}", [(32, "transformMapEntry needs map, not int")]),
    ],
)
def test_a_problem_is_found_where_it_is(text: str, problems: list[tuple[int, str]]) -> None:
    assert [(error.position, error.message) for error in cel.check(text, roots=ROOTS, wants="bool")] == problems


@pytest.mark.parametrize(
    "text",
    [
        "event.type == 'a' && event.data.ref == \"b\"",
        "event.n + 1 > 2.5 || event.x",
        "1 == 1.0 && 1u < 2.5",
        "event.l.exists(i, x, x.a == i)",
        "(event.x ? 1 : 'a') == 'a'",
        "timestamp(event.t) - duration('1h') < timestamp('2024-01-01T00:00:00Z')",
        "event.?a.?b.orValue('') == 'x'",
        "optional.of(1).optMap(x, x + 1).value() == 2",
        "type(event.a) == int && type(timestamp(0)) == google.protobuf.Timestamp",
        "cel.bind(x, event.a, x.b == 1) && math.greatest(1, event.n) > 2",
        "{'a': 1}.a == 1 && [1, 'a'][0] == 1 && 'x' in {'x': 1}",
        "event.l.sortBy(x, x.n)[0].n == 1",
        "event.s.matches(event.pattern) && '%d'.format([1]) == '1'",
        "event.m.transformMap(k, v, v).size() == 2 && has(event.a) && has(event.?a.b)",
        "[[1]].map(l, l.filter(x, x > event.n)).all(l, l == [])",
        "context.event.kind == 'x'",
    ],
)
def test_what_may_be_right_passes(text: str) -> None:
    assert cel.check(text, roots=ROOTS, wants="bool") == ()


def test_any_root_passes_where_none_is_declared() -> None:
    assert cel.check("whatever.a == 1") == ()
