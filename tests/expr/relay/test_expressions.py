"""Expressions in templates and alone (tables C and D)."""

from datetime import UTC, datetime
from typing import Any

import pytest

from ensue.expr import relay
from ensue.expr.interface import Code, Error, Needs, Result, Unresolved, Value
from ensue.model.values import Json
from tests.expr.relay.trees import NOW, evaluate, missing, output, scope, secret

ROOT: dict[str, Json] = {
    "a": [1, 2, [3, 4]],
    "b": 10,
    "c": {"x": 1, "y": 2, "x y": {"z": 3}, "false": 4},
    "d": {"$type": "Parameter", "name": "nope"},
    "e": True,
}

C_ROWS: list[tuple[str, Json]] = [
    ("c['x y']['z']", 3), ("c.x", 1), ("c.'x y'", {"z": 3}), ("c.'x y'.z", 3), ("c.false", 4),
    ("c.('x ' + 'y').z", 3), ("a[0]", 1), ("a.0", 1), ("a.2.1", 4), ("a.2[1]", 4), ("$.c.x", 1), ("$['c'].x", 1),
    ("$.c.'x y'.z", 3), ("c.x + c.y", 3), ("(c.x + c.y) * a[1]", 6),
    ("{'foo': a[0]+a[1], 'bar': a[1]+a[2][0]}", {"foo": 3, "bar": 5}), ('["foo", a[0], c.y]', ["foo", 1, 2]),
    ("jsonUnmarshal('{\"foo\": \"bar\"}')", {"foo": "bar"}), ("concat('a', b, 'c')", "a10c"),
    ("merge(objects: [{'a':5},{'b':b}])", {"a": 5, "b": 10}), ("path(object: c, query: 'y')", 2),
    ("path(merge({'a':5},{'b':b}),'b')", 10),
    ("jsonUnmarshal('{\"x\": {\"y\": \"z\"}}') |> x.y", "z"),
    ("jsonUnmarshal('{\"x\": {\"y\": \"z\"}}') |> x |> y", "z"),
    ("b * (jsonUnmarshal('{\"x\":20}') |> x) + b", 210), ("coalesce(c.x, parameters.nope)", 1),
    ("coalesce(null, parameters.nope)", None), ("exists(c.nope)", False), ("exists(c.x)", True),
    ("e || parameters.nope", True), ("now()", "2026-03-04T05:06:07Z"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), C_ROWS)
def test_an_expression_over_roots(text: str, value: Json) -> None:
    roots: dict[str, Any] = {name: item for name, item in ROOT.items() if name != "d"}
    assert evaluate(f"${{{text}}}", **roots) == Value(value)


@pytest.mark.parametrize(
    ("text", "value"), [row for row in C_ROWS if "(" not in row[0] or row[0].startswith(("(", "c."))]
)
def test_an_expression_over_a_document(text: str, value: Json) -> None:
    assert relay.query(ROOT, text, "path", scope()) == Value(value)


def test_a_query_for_everything_keeps_what_is_not_resolved() -> None:
    found = relay.query(ROOT, "$", "", scope())
    assert isinstance(found, Unresolved)
    assert found.value == ROOT
    assert set(found.missing) == missing("parameter:nope")


def test_what_is_not_resolved_is_null_in_a_query() -> None:
    for text in ("d", "d.g", "d == 1"):
        assert relay.query(ROOT, text, "", scope()) == Unresolved(None, tuple(missing("parameter:nope")))


@pytest.mark.parametrize(
    ("text", "value"),
    [("-a-b", -42), ("a-b", 42), ("a-b - a-b", 0), ("x.y-z", "foo"), ("d.x-y", 7), ("-2 ** 2", 4), ("- -1", 1)],
)
def test_a_dash_belongs_to_a_name(text: str, value: Json) -> None:
    roots: dict[str, Any] = {"a-b": 42, "x": {"y-z": "foo"}, "d": {"x-y": 7}}
    assert evaluate(f"${{{text}}}", **roots) == Value(value)


PARAMETERS: dict[str, Any] = {
    "p1": "hello", "num": 10, "flt": 1.5, "nul": None, "yes": True, "lst": ["a", "b", "c"],
    "obj": {"k": "v", "n": {"m": 1}}, "js": '{"a":{"b":[1,2,3]}}', "date": datetime(2020, 1, 2, 3, 4, 5, tzinfo=UTC),
    "whole": 1.0,
}  # fmt: skip
OUTPUTS: dict[str, Any] = {"prev": {"o1": "foobar", "oobj": {"a": 1}, "num": 5, "we.ird": "w"}}


def tried(text: str, flavour: relay.Flavour = relay.RELAY) -> Result:
    binary: Any = bytes([1, 2, 3, 4, 5, 0x90])
    return evaluate(text, flavour, parameters=PARAMETERS, outputs=OUTPUTS, secrets={"s1": "sekret", "bin": binary})


D_ROWS: list[tuple[str, Json]] = [
    # 117 to 126: values and texts
    ("${parameters.num}", 10), ("${parameters.flt}", 1.5), ("${parameters.nul}", None),
    ("${parameters.lst}", ["a", "b", "c"]), ("${parameters.lst[0]}", "a"), ("${parameters.lst.0}", "a"),
    ("${parameters.lst[-1]}", "c"), ("${parameters.lst['1']}", "b"), ("${parameters.lst[1.9]}", "b"),
    ("Hello ${parameters.p1}!", "Hello hello!"), ("${parameters.p1}${parameters.p1}", "hellohello"),
    ("n=${parameters.num}", "n=10"), ("nul=${parameters.nul}", "nul=null"), ("b=${parameters.yes}", "b=true"),
    ("l=${parameters.lst}", 'l=[\n\t"a",\n\t"b",\n\t"c"\n]'),
    ("o=${parameters.obj}", 'o={\n\t"k": "v",\n\t"n": {\n\t\t"m": 1\n\t}\n}'),
    ("e=${[]} ${jsonUnmarshal('{}')}", "e=[] {}"),
    ("${parameters.date}", "2020-01-02T03:04:05Z"), ("d=${parameters.date}", "d=2020-01-02 03:04:05 +0000 UTC"),
    ("a $ b", "a $ b"), ("$", "$"), ("a } b", "a } b"), ("{ a", "{ a"), ("$ {x}", "$ {x}"), ("$x", "$x"),
    ("a \\${parameters.p1}", "a \\hello"), ("${'a}b'}", "a}b"),
    # 129 to 139: literals and operators
    ("${null}", None), ("x${null}", "xnull"), ("${''}", ""), ("x${''}", "x"), ("${1e3}", 1000), ("${-1}", -1),
    ("${1 + 2}", 3), ("${'1' + 2}", 3), ("${1 + '2'}", 3), ("${'a' + 1}", "a1"), ("${true + 1}", "true1"),
    ("${[1] + 'x'}", "[1]x"), ("${5 / 2}", 2.5), ("${5 % 3}", 2), ("${2 ** 10}", 1024), ("${2 ** 3 ** 2}", 64),
    ("${10 - 3 - 2}", 5), ("${'4' * '2'}", 8), ("${5 & 3}", 1), ("${5 | 3}", 7), ("${5 ^ 3}", 6), ("${1 << 4}", 16),
    ("${16 >> 2}", 4), ("${~5}", -6), ("${1 + 2 << 3}", 24), ("${1 == '1'}", True), ("${true == 1}", True),
    ("${true == 'true'}", True), ("${null == null}", True), ("${[1,2] == [1,2]}", True), ("${null == ''}", False),
    ("${'10' < '9'}", True), ("${10 < '9'}", False), ("${1 | 2 == 3}", True), ("${1 < 2 == true}", True),
    ("${'abc' =~ 'b'}", True), ("${'abc' =~ '^b'}", False), ("${123 =~ '2'}", True), ("${'abc' !~ '^b'}", True),
    ("${!0}", True), ("${!null}", True), ("${!'true'}", False), ("${null && true}", False),
    ("${false && parameters.nope}", False), ("${true || parameters.nope}", True),
    # 140 to 143: secrets, outputs
    ("${secrets.bin}", {"$encoding": "base64", "data": "AQIDBAWQ"}),
    ("b=${secrets.bin}", {"$encoding": "base64", "data": "Yj0BAgMEBZA="}),
    ("${outputs.'prev'.'we.ird'}", "w"), ("${outputs['prev']['we.ird']}", "w"),
    # 144 to 156: functions
    ("${concat('a', 1, 1.5, true, null)}", "a11.5true"), ("${concat()}", ""), ("${append([1], [2])}", [1, [2]]),
    ("${concat(parameters.date)}", "2020-01-02T03:04:05Z"),
    ("${coalesce(parameters.nope, 'd')}", "d"), ("${coalesce(parameters.nope, null, parameters.p1)}", "hello"),
    ("${coalesce(parameters.nope, secrets.nope)}", None), ("${equals('1', 1)}", False),
    ("${exists(parameters.lst[9])}", False), ("${exists(bogus)}", False),
    ("${jsonMarshal({'b':1,'a':[1,null,true]})}", '{"a":[1,null,true],"b":1}'),
    ("${jsonMarshal('x<y>&')}", '"x\\u003cy\\u003e\\u0026"'),
    ("${jsonUnmarshal(parameters.js) |> a.b[1]}", 2),
    ("${merge({'a':{'b':1}},{'a':{'c':2}})}", {"a": {"b": 1, "c": 2}}),
    ("${merge(objects: [{'a':{'b':1}},{'a':{'c':2}}], mode: 'shallow')}", {"a": {"c": 2}}), ("${merge()}", {}),
    ("${path(parameters.obj,'n.z','dflt')}", "dflt"), ("${path(parameters.obj,'n.m')}", 1),
    ("${toString(1.50)}", "1.5"), ("${toString(null)}", ""), ("${toString(1e21)}", "1000000000000000000000"),
    ("${convertMarkdown('html','# Hi *there*')}", "<h1>Hi <em>there</em></h1>\n"),
    ("${convertMarkdown(to: 'jira', content: '**b** [t](u) `c`')}", "b [t|u] {code}c{code}"),
    ("${[1 2]}", [1, 2]), ("${{1: 2}}", {"1": 2}), ("${parameters.num |> $ + 1}", 11),
    ("${parameters.obj |> n |> m}", 1), ("${1 /* one */ + // and\n 1}", 2), ("${`a\\n`}", "a\\n"),
    ("${'\\u00e9\\n\\'\\\"'}", "é\n'\""), ("${concat (1)}", "1"),
    # numbers keep what they are
    ("${parameters.whole}", 1.0), ("w=${parameters.whole}", "w=1"), ("${parameters.num + 0}", 10),
    ("${parameters.flt * 2}", 3), ("${10 ** 20}", 10**20), ("${10 ** 21}", 1e21), ("x${10 ** 21}", "x1e+21"),
    ("${1 / 10000000}", 1e-7), ("x${1 / 10000000}", "x1e-7"), ("x${1 / 1000000}", "x0.000001"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), D_ROWS)
def test_a_text_evaluates_to_a_value_of_its_type(text: str, value: Json) -> None:
    found = tried(text)
    assert found == Value(value)
    assert isinstance(found, Value)
    assert type(found.value) is type(value)


@pytest.mark.parametrize(
    ("text", "relays", "natives"),
    [
        ("$${parameters.p1}", "$${parameters.p1}", "${parameters.p1}"), ("a $$ b", "a $$ b", "a $$ b"),
        ("a $${ b", "a $${ b", "a ${ b"), ("$${x}${parameters.num}", "$${x}10", "${x}10"),
        ("$$${parameters.p1}", "$$hello", "$${parameters.p1}"), ("$$", "$$", "$$"), ("$${", "$${", "${"),
        ("${'$'}${parameters.num}", "$10", "$10"),
    ],
)  # fmt: skip
def test_the_escape_is_ensues_own(text: str, relays: Json, natives: Json) -> None:
    assert tried(text) == Value(relays)
    assert tried(text, relay.NATIVE) == Value(natives)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${parameters.lst[3]}", 'path "parameters.lst.3": index 3 out of bounds'),
        ("${parameters.obj.nope}", 'path "parameters.obj.nope": unknown key nope'),
        ("${parameters.p1.deeper}", 'path "parameters.p1.deeper": unsupported value type string for select of field'),
        ("${parameters.lst.x}", 'unexpected string index "x" for slice, must be convertible to int: '),
        ("${bogus}", 'path "bogus": unknown key bogus'),
        ("${parameters[true]}", "unexpected key type bool"),
        ("${parameters[null]}", "unexpected key type <nil>"),
        ("${parameters.nul + 1}", "invalid operation (<nil>) + (float64)"),
        ("${parameters.num / 0}", "division by zero"), ("${parameters.num % 0}", "division by zero"),
        ("${parameters.p1 * 2}", "invalid operation (string) * (float64)"),
        ("${parameters.nul < 1}", "invalid operation (<nil>) < (float64)"),
        ("${parameters.p1 =~ '('}", "error parsing regexp"), ("${!parameters.p1}", "must be convertible to bool"),
        ("${parameters.p1 && true}", "invalid operation (string) &&"),
        ("${concat([1])}", "invocation of function \"concat\" failed: arg 1: unexpected type []interface {}"),
        ("${append([1])}", "unexpected number of arguments: 1 (wanted 2 or more)"),
        ("${append(1, 2)}", "arg 1: unexpected type float64 (wanted []interface {})"),
        ("${coalesce(parameters.obj.nope,'d')}", "unknown key nope"),
        ("${equals(1)}", "unexpected number of arguments: 1 (wanted 2)"),
        ("${exists(parameters.p1.zz)}", "unsupported value type string"),
        ("${jsonUnmarshal('{bad')}", "invalid JSON"), ("${jsonUnmarshal(1)}", "arg 1: unexpected type float64"),
        ("${jsonUnmarshal('1e999')}", "out of range"), ("${jsonUnmarshal('NaN')}", "no JSON value"),
        ("${merge(objects: [], mode: 'x')}", "mode"), ("${merge(mode: 'deep')}", 'arg "objects": arg not found'),
        ("${path(parameters.obj,'n.z')}", "unknown key z"), ("${path(parameters.obj,1)}", "unexpected type float64"),
        ("${path(object: parameters.obj)}", 'arg "query": arg not found'),
        ("${path(parameters.obj,'concat(k)')}", 'invocation of function "concat" failed: function not found'),
        ("${toString([1])}", "unexpected type []interface {}"),
        ("${convertMarkdown('slack', 'x')}", "convert: type not supported"),
        ("${concat(a: 1)}", "keyword arguments cannot be used"),
        ("${nope()}", 'invocation of function "nope" failed: function not found'),
        ("${{a: 1}}", "unknown key a"), ("${1e308 * parameters.num}", "not a finite number"),
        ("${(0 - parameters.num) ** 0.5}", "not a finite number"), ("${parameters.num << -1}", "negative shift"),
        ("${~1e300 + parameters.num}", "does not fit"),
    ],
)  # fmt: skip
def test_a_mistake_found_in_evaluating_is_told_with_its_reason(text: str, reason: str) -> None:
    found = tried(text)
    assert isinstance(found, Error)
    assert found.message.startswith('evaluating template "${": ') or found.message.startswith("parsing error: ")
    assert reason in found.message
    native = tried(text, relay.NATIVE)
    assert isinstance(native, Error)
    assert native.position > 0
    assert not native.message.startswith(("evaluating", "parsing"))


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("${", 2), ("${}", 2), ("${parameters.}", 13), ("${.parameters}", 2), ("${parameters p1}", 13),
        ("${parameters.p1", 0), ("${0x10}", 3), ("${true ? 'a' : 'b'}", 7), ("${x ?? 'd'}", 4), ("${1 in [1]}", 4),
        ("${$$}", 3), ("${$.}", 4), ("${concat('a',)}", 13), ("${concat('a', b: 1)}", 16), ("${concat(a: 1, 2)}", 15),
        ("${jsonUnmarshal(parameters.js).a}", 30), ("${null + 1}", 7), ("${5 / 0}", 4), ("${!'yes'}", 2),
        ("${'x' && true}", 6), ("${'x' * 2}", 6), ("${null < 1}", 7), ("${'a' =~ '('}", 6), ("ok ${'a}", 5),
        ("${'\\q'}", 3), ("${'\\ud800'}", 3), ("${[1}", 4), ("${{'a' 1}}", 7), ("${{null: 1}}", 2), ("${1e999}", 2),
        ("${a /* }", 4), ("line\n${ + }", 8), ("${(1}", 4),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flavour", [relay.RELAY, relay.NATIVE])
def test_a_mistake_of_the_text_is_found_in_compiling(text: str, position: int, flavour: relay.Flavour) -> None:
    program = relay.compile(text, flavour=flavour)
    assert program.error is not None
    assert program.error.position == position
    assert program.evaluate(scope()) == program.error
    assert program.error.message.startswith("parsing error: " + text + "\t:") is flavour.is_relay


def test_a_mistake_of_the_text_has_line_and_column_in_relays_words() -> None:
    error = relay.compile("a\nbc ${p q}", flavour=relay.RELAY).error
    assert error is not None
    assert error.message.startswith("parsing error: a\nbc ${p q}\t:2:8 - 2:9 unexpected ")


@pytest.mark.parametrize(
    "text",
    [
        "${parameters.nope || true}", "${parameters.nope && false}", "${path(parameters.nope,'x','d')}",
        "${[parameters.nope, 1]}", "${exists(parameters.nope)}", "${parameters.nope |> x}", "${parameters.nope == 1}",
        "${-parameters.nope}", "${concat('a', parameters.nope)}", "${{'a': parameters.nope}}",
        "${parameters.lst[parameters.nope]}", "${{parameters.nope: 1}}", "${path(parameters.obj, parameters.nope)}",
    ],
)  # fmt: skip
@pytest.mark.parametrize("flavour", [relay.RELAY, relay.NATIVE])
def test_what_depends_on_something_missing_is_unresolved(text: str, flavour: relay.Flavour) -> None:
    assert tried(text, flavour) == Unresolved(text, tuple(missing("parameter:nope")))


def test_the_quirks_of_the_reference_come_with_compatibility() -> None:
    strict = relay.RELAY_STRICT
    assert isinstance(tried("${parameters.nope |> x}", strict), Error)
    assert isinstance(tried("a\0b", strict), Error)
    assert tried("a\0b") == Value("a\0b")
    assert tried("${equals(parameters.num, 10)}", strict) == Value(False)
    assert tried("${equals(parameters.num, 10)}") == Value(True)
    assert tried("${'a' + 1000000}", strict) == Value("a1e+06")
    assert tried("${'a' + 1000000}") == Value("a1000000")


def test_bold_text_survives_in_ensues_own_dialect() -> None:
    assert tried("${convertMarkdown('jira', '**b**')}", relay.NATIVE) == Value("*b*")


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ([{"foo": {"bar": "${jsonUnmarshal(secrets.x)}"}}, "foo.bar.grault.garply"], "xyzzy"),
        ([{"foo": {"bar": "${jsonUnmarshal(secrets.nope)}"}}, "foo.baz", "dflt"], "dflt"),
        ([{"foo": "ok", "bar": "${parameters.nope}"}, "foo"], "ok"),
        ([{"foo": 1}, "${parameters.q}"], 1),
        ([{"foo": 1}, "bar", "${parameters.q}"], "foo"),
        ({"object": output("prev", "o"), "query": "k"}, "v"),
        ({"object": {"$fn.jsonUnmarshal": [secret("x")]}, "query": "grault.garply"}, "xyzzy"),
    ],
)
def test_a_path_looks_only_at_what_lies_on_its_way(document: Json, value: Json) -> None:
    roots: dict[str, Any] = {
        "secrets": {"x": '{"grault": {"garply": "xyzzy"}}'}, "parameters": {"q": "foo"},
        "outputs": {"prev": {"o": {"k": "v"}}},
    }  # fmt: skip
    assert evaluate({"$fn.path": document}, **roots) == Value(value)


@pytest.mark.parametrize(
    "document",
    [
        [{"foo": {"bar": "${jsonUnmarshal(secrets.nope)}"}}, "foo.bar.a"],
        [{"foo": {"bar": "${jsonUnmarshal(secrets.nope)}"}}, "foo.bar.a", "dflt"],
        {"object": secret("nope"), "query": "accessKeyID"},
        {"object": {"$fn.jsonUnmarshal": [secret("nope")]}, "query": "x"},
        [{"foo": 1}, "bar", secret("nope")],
        [{"foo": 1}, secret("nope")],
    ],
)
def test_a_path_that_needs_something_missing_stays_as_it_is(document: Json) -> None:
    call: Json = {"$fn.path": document}
    assert evaluate(call) == Unresolved(call, tuple(missing("secret:nope")))


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("plain", set()), ("$${outputs.a.b}", set()), ("${oops", set()),
        ("${outputs.a.b} ${outputs['c d'].x}", {("outputs", "a"), ("outputs", "c d")}),
        ("${parameters.a}${run.name}", {("parameters", "a"), ("run",)}),
        ("${secrets.x.y}", {("secrets", "x")}), ("${outputs}", {("outputs",)}),
        ("${path(outputs.a, 'x') |> outputs.z}", {("outputs", "a")}), ("${$.outputs.a}", {("outputs", "a")}),
        ("${outputs[parameters.n].x + 1}", {("outputs",), ("parameters", "n")}),
        ("${{'k': [!(steps.a.failed)]}}", {("steps", "a")}),
    ],
)  # fmt: skip
def test_what_a_text_can_read_is_known_without_evaluating_it(text: str, refs: set[tuple[str, ...]]) -> None:
    assert relay.compile(text).refs == frozenset(refs)


def test_an_explanation_names_the_clause_that_decided() -> None:
    roots = scope(parameters={"a": 1, "b": "x", "c": True})
    text = "${parameters.a == 1 && parameters.b == 'y' && parameters.c}"
    found = relay.compile(text).explain(roots)
    assert found.result == Value(False)
    [clause] = found.because
    assert (clause.text, clause.position) == ("parameters.b == 'y'", text.index("parameters.b"))
    assert clause.values == (("parameters.b", "x"),)
    either = relay.compile("${parameters.a == 2 || !parameters.c}").explain(roots)
    assert [clause.text for clause in either.because] == ["parameters.a == 2", "parameters.c"]
    [divided] = relay.compile("${(parameters.a + 1) / (parameters.a + 0)}").explain(roots).because
    assert divided.text == "(parameters.a + 1) / (parameters.a + 0)"
    broken = relay.compile("${parameters.a == 1 && parameters.b * 2 > 1}").explain(roots)
    assert "invalid operation" in broken.because[0].message


def test_now_is_the_time_of_the_scope() -> None:
    assert evaluate("d=${now()}") == Value(f"d={NOW:%Y-%m-%d %H:%M:%S} +0000 UTC")
    assert not isinstance(evaluate("${now()}"), Needs)
    assert Code.SYNTAX is relay.compile("${").error.code  # type: ignore[union-attr]
