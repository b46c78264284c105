"""Queries on documents: paths, templates, both JSONPath languages (rows 45 to 55 and 168 to 171)."""

from typing import Any

import pytest

from ensue.expr import relay
from ensue.expr.interface import Code, Error, Mapped, Needs, Unresolved, Value
from ensue.model.values import Json
from tests.expr.relay.trees import NOW, data, missing, output, parameter, scope, secret

KNOWN: dict[str, Any] = {
    "parameters": {"bar": {"bar": {"baz": "gnarly"}, "b": ["c", "d"], "a": 1, "x": 2.5}},
    "outputs": {"prev": {"o": {"b": ["c", "d"]}}},
    "connections": {"aws": {"test": {"accessKeyID": "AKIA"}}},
}
SPEC: dict[str, Json] = {
    "aws": {"$type": "Connection", "type": "aws", "name": "test"}, "num": 5, "foo": "you", "we ird": "w",
    "bad": parameter("nope"), "obj": {"b": "x", "a": 1}, "list": ["p", "q", 3, None],
    "items": [{"name": "aa", "value": "1"}, {"name": "bb", "value": "2"}, {"name": "cc", "value": secret("nope")}],
    "deep": {"list": [{"name": "dd"}]},
}  # fmt: skip


def ask(document: Json, text: str, lang: str = "") -> Any:
    return relay.query(document, text, lang, scope(**KNOWN))


@pytest.mark.parametrize(
    ("document", "text", "lang", "value"),
    [
        ({"foo": parameter("bar")}, "foo.bar.baz", "", "gnarly"),
        ({"foo": parameter("bar")}, "$.foo.bar.baz", "jsonpath", "gnarly"),
        ({"foo": output("prev", "o")}, "$.foo.b[1]", "jsonpath", "d"),
        ({"foo": parameter("bar")}, "{.foo.bar.baz}", "jsonpath-template", "gnarly"),
        ({"a": secret("nope"), "b": {"c": "value"}}, "b.c", "", "value"),
        ({"a": {"name": "x", "value": secret("s")}, "b": {"name": "y", "value": 1}}, "$.*.name", "jsonpath", ["x",
        "y"]),
        ([{"name": "x", "value": secret("s")}, {"name": "y"}], "$.*.name", "jsonpath", ["x", "y"]),
        ({"foo": parameter("bar")}, "{.foo.bar}", "jsonpath-template", "map[baz:gnarly]"),
        ({"foo": parameter("bar")}, "{.foo.b}", "jsonpath-template", "c d"),
        (SPEC, "aws.accessKeyID", "", "AKIA"), (SPEC, "num + 1", "", 6), (SPEC, "'we ird'", "", "we ird"),
        (SPEC, "$.'we ird'", "", "w"), (SPEC, "obj", "", {"b": "x", "a": 1}), (SPEC, "list.2", "", 3),
        (SPEC, "hello ${foo}", "path-template", "hello you"), (SPEC, "${num}", "path-template", 5),
        (SPEC, "n=${obj.a} ${foo == 'you'}", "path-template", "n=1 true"),
        (SPEC, "$.nope", "jsonpath", None), (SPEC, "$.items.name", "jsonpath", None), (SPEC, "$", "path", ...),
        (SPEC, '$.items[?(@.name=="bb")].value', "jsonpath", ["2"]), (SPEC, "$.items[0].name", "jsonpath", "aa"),
        (SPEC, "$['we ird']", "jsonpath", "w"), (SPEC, "$.list[-2]", "jsonpath", 3),
        (SPEC, "$.list[9]", "jsonpath", None),
        (SPEC, "$.list[1:3]", "jsonpath", ["q", 3]), (SPEC, "$.list[::-1]", "jsonpath", [None, 3, "q", "p"]),
        (SPEC, "$.list[0,2]", "jsonpath", ["p", 3]), (SPEC, "$.obj['a','b']", "jsonpath", [1, "x"]),
        (SPEC, "$.deep..name", "jsonpath", ["dd"]), (SPEC, "$.list.*", "jsonpath", ["p", "q", 3, None]),
        (SPEC, "$.items[?(@.name == 'aa' || @.name =~ 'b$')].name", "jsonpath", ["aa", "bb"]),
        (SPEC, "$.items[?(@.nope)]", "jsonpath", []), (SPEC, "$.items[?(@.name != '' && $.num == 5)].name", "jsonpath",
         ["aa", "bb", "cc"]),
        (SPEC, "{.nope}", "jsonpath-template", ""), (SPEC, "{.obj}", "jsonpath-template", "map[a:1 b:x]"),
        (SPEC, "{range .items[*]}{.name},{end}", "jsonpath-template", "aa,bb,cc,"),
        (SPEC, "plain", "jsonpath-template", "plain"), (SPEC, "{$.num}-{@.foo}", "jsonpath-template", "5-you"),
        (SPEC, '{"a{b}\\n"}{.num}', "jsonpath-template", "a{b}\n5"),
        (SPEC, "{.list}", "jsonpath-template", "p q 3 <nil>"),
        (SPEC, "{.items[*].name}", "jsonpath-template", "aa bb cc"), (SPEC, "{['we ird']}", "jsonpath-template", "w"),
        (SPEC, "{range .items[*]}{range $.deep.list[*]}{.name}{end}{end}", "jsonpath-template", "dddddd"),
        ({"foo": parameter("bar")}, "{.foo.x}", "jsonpath-template", "2.5"),
    ],
)  # fmt: skip
def test_a_query_finds(document: Json, text: str, lang: str, value: Any) -> None:
    found = ask(document, text, lang)
    if value is ...:
        assert isinstance(found, Unresolved)
        assert set(found.missing) == missing("parameter:nope", "secret:nope")
    else:
        assert found == Value(value)


@pytest.mark.parametrize(
    ("document", "text", "lang", "value", "absent"),
    [
        ({"foo": parameter("nope")}, "foo.bar", "", None, "parameter:nope"),
        ({"foo": parameter("nope")}, "$.foo.bar", "jsonpath", None, "parameter:nope"),
        ({"a": {"value": "literal"}, "b": {"value": secret("x")}, "c": {"value": 1}}, "$.*.value", "jsonpath",
         ["literal", 1], "secret:x"),
        (SPEC, "$.items[*].value", "jsonpath", ["1", "2"], "secret:nope"),
        (SPEC, "x ${bad} y", "path-template", "x null y", "parameter:nope"),
        (SPEC, "${bad}", "path-template", None, "parameter:nope"),
        (SPEC, "{.bad}", "jsonpath-template", "", "parameter:nope"),
        ({"args": [{"$fn.concat": ["a", parameter("nope")]}]}, "{.args}", "jsonpath-template",
         "map[$fn.concat:[a map[$type:Parameter name:nope]]]", "parameter:nope"),
    ],
)  # fmt: skip
def test_what_is_missing_on_the_way_is_told(document: Json, text: str, lang: str, value: Json, absent: str) -> None:
    assert ask(document, text, lang) == Unresolved(value, tuple(missing(absent)))


@pytest.mark.parametrize(
    ("text", "lang", "reason"),
    [
        ("concat(foo)", "", "function not found"), ("parameters.p1", "", "unknown key parameters"),
        ("foo bar", "", "parsing error: foo bar\t:1:5 - 1:8 "), ("nope", "path", "unknown key nope"),
        ("${nope}", "path-template", "unknown key nope"), ("${", "path-template", "parsing error: "),
        ("foo", "jsonpath", "jsonpath: unknown variable type string"), ("$.", "jsonpath", "parsing error: "),
        ("$.a b", "jsonpath", "parsing error: "), ("$[", "jsonpath", "parsing error: "),
        ("$[?(@.a]", "jsonpath", "parsing error: "), ("$[::0]", "jsonpath", "parsing error: "),
        ("{.foo", "jsonpath-template", "parsing error: "), ("{end}", "jsonpath-template", "parsing error: "),
        ("{range .items[*]}", "jsonpath-template", "parsing error: "),
        ("{foo}", "jsonpath-template", "parsing error: "),
        ("x", "sql", 'expression language "sql" is not supported'),
    ],
)  # fmt: skip
def test_a_query_that_is_wrong_is_an_error(text: str, lang: str, reason: str) -> None:
    found = ask(SPEC, text, lang)
    assert isinstance(found, Error)
    assert reason in found.message


def test_no_query_gives_the_whole_document() -> None:
    assert ask({"a": parameter("bar"), "b": data("x")}, "", "jsonpath") == relay.evaluate(
        {"a": parameter("bar"), "b": data("x")}, scope(**KNOWN), relay.RELAY
    )


@pytest.mark.parametrize("lang", ["path", "path-template", "jsonpath", "jsonpath-template"])
def test_a_value_that_is_no_json_is_an_error(lang: str) -> None:
    text = {"path": "a", "path-template": "${a}", "jsonpath": "$.a", "jsonpath-template": "{.a}"}[lang]
    wrong: Any = {"parameters": {"p": object()}}
    found = relay.query({"a": parameter("p")}, text, lang, Mapped(wrong, NOW))
    assert isinstance(found, Error)
    assert found.code is Code.TYPE


def test_a_query_asks_only_for_what_lies_on_its_way() -> None:
    lazy = Mapped({"outputs": {}, "secrets": {}}, NOW, frozenset({"outputs", "secrets"}))
    document: Json = {"a": output("x", "y"), "b": secret("s"), "c": [output("z", "y")]}
    assert relay.query(document, "a.k", "", lazy) == Needs(frozenset({("outputs", "x")}))
    assert relay.query(document, "$.c[0]", "jsonpath", lazy) == Needs(frozenset({("outputs", "z")}))
    assert relay.query(document, "{.b}", "jsonpath-template", lazy) == Needs(frozenset({("secrets", "s")}))
