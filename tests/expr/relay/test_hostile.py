"""Bad input ends in an error of its budget: never a crash, never a hang."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.expr import relay
from ensue.expr.interface import LIMITS, Code, Error, Limits, Mapped, Result, Unresolved, Value
from ensue.model.values import Json
from tests.expr.relay.trees import NOW, scope

DEEP = 10_000
LONG = 1_000_000
FLAVOURS = [relay.NATIVE, relay.RELAY, relay.RELAY_STRICT]


def nested(depth: int) -> Json:
    value: Json = 1
    for _ in range(depth):
        value = [value]
    return value


ROOTS: dict[str, Any] = {
    "parameters": {
        "text": "x" * LONG, "deep": nested(DEEP), "big": 10**5000, "list": list(range(50_000)), "one": 1,
        "surrogate": "\ud800", "nul": "a\0b", "a": "a" * 5000 + "b", "slashes": "\\" * 1000, "nested": nested(150),
        "json": "[" * DEEP, "shallow": "[" * 250 + "]" * 250,
    },
    "outputs": {}, "secrets": {},
}  # fmt: skip


def evaluate(text: str, flavour: relay.Flavour = relay.NATIVE, limits: Limits = LIMITS) -> Result:
    return relay.compile(text, limits, flavour).evaluate(Mapped(ROOTS, NOW))


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "text",
    [
        "${" + "(" * DEEP + "1" + ")" * DEEP + "}", "${" + "[" * DEEP + "]" * DEEP + "}", "${" + "!" * DEEP + "true}",
        "${" + "- " * DEEP + "1}", "${" + "{'a':" * DEEP + "1" + "}" * DEEP + "}",
        "${" + "concat(" * DEEP + ")" * DEEP + "}", "${a" + "[a" * DEEP + "]" * DEEP + "}",
        "${a" + ".(a" * DEEP + ")" * DEEP + "}", "${" + "1 + (" * DEEP + "1" + ")" * DEEP + "}",
        "${'" + "a" * LONG + "'}", "${1" + " + 1" * (LONG // 4) + "}", "${" + "a" * LONG + "}", "x${" + "/*" * LONG,
        "${'a' |> " + "[$, $] |> " * DEEP + "$}", "${'a' |> " + "[$, $] |> " * 40 + "jsonMarshal($)}",
        "${'a' |> " + "[$, $] |> " * 40 + "$ == $}", "${'a' |> " + "{'x': $, 'y': $} |> " * 60 + "merge($, $)}",
        "${parameters.deep}", "x${parameters.deep}", "${jsonMarshal(parameters.deep)}",
        "${jsonUnmarshal(parameters.json)}",
        "${jsonUnmarshal(parameters.shallow)}", "${parameters.text + parameters.text + parameters.text}",
        "${parameters.text}" * 3, "${concat(parameters.text, parameters.text, parameters.text)}",
        "${'x' |> " + "$ + $ |> " * 40 + "$}", "${" + "jsonMarshal(" * 100 + "parameters.slashes" + ")" * 100 + "}",
        "${[" + "parameters.list, " * 60 + "]}",
    ],
    ids=range(28),
)  # fmt: skip
def test_what_is_too_much_ends_in_the_error_of_its_budget(text: str, flavour: relay.Flavour) -> None:
    found = evaluate(text, flavour)
    assert isinstance(found, Error)
    assert found.code is Code.LIMIT


@pytest.mark.parametrize(
    ("text", "limits"),
    [
        ("${parameters.one + parameters.one + parameters.one}", {"steps": 3}), ("${1 + 1 + 2}", {"text": 10}),
        ("${[[parameters.one]]}", {"depth": 2}), ("${parameters.a + 'x'}", {"size": 5000}),
        ("${coalesce(null, null, null, parameters.one)}", {"steps": 4}),
        ("${path([parameters.one], '0')}", {"size": 0}),
    ],
)  # fmt: skip
def test_each_budget_is_kept(text: str, limits: dict[str, int]) -> None:
    found = evaluate(text, limits=Limits(**limits))
    assert isinstance(found, Error)
    assert found.code is Code.LIMIT
    assert isinstance(evaluate(text), Value)


@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "text",
    [
        "${parameters.a =~ '(a+)+$'}", "${parameters.a =~ '(a|aa)+c'}", "${parameters.a =~ 'a{500}{500}'}",
        "${parameters.big}", "${parameters.big + 1}", "x${parameters.big}", "${parameters.big == 1}",
        "${toString(parameters.big)}", "${9e999}", "${" + "9" * 5000 + "}", "${10 ** 400}", "${1 << 100000}",
        "${parameters.surrogate}", "x${parameters.surrogate}", "${parameters.surrogate =~ '.'}",
        "${jsonMarshal(parameters.surrogate)}", "${concat(parameters.surrogate)}",
        "${convertMarkdown('html', '\ud800')}",
        "${jsonUnmarshal('\"\\\\ud800\"')}", "${parameters.nul}", "x${parameters.nul}", "a\0${parameters.one}",
        "${'\\x00'}", "\ud800${parameters.one}", "${coalesce(parameters['\ud800'])}", "${\ud800}", "${é.ü}",
        "${\u2028}",
        "${parameters.nested}", "${convertMarkdown('jira', '" + "> " * 500 + "')}", "${parameters[1e400]}",
        "${convertMarkdown('html', '" + "[" * 5000 + "')}", "${parameters.list[1e300]}",
        "${parameters.list['9999999999999999999']}",
        "${" + " && ".join(["parameters.one == 1"] * 3000) + "}", "${parameters.list[parameters]}",
        "${parameters[parameters]}",
    ],
    ids=range(37),
)  # fmt: skip
def test_what_is_odd_gives_a_value_or_an_error(text: str, flavour: relay.Flavour) -> None:
    found = evaluate(text, flavour)
    assert isinstance(found, Value | Error)
    program = relay.compile(text, flavour=flavour)
    assert program.evaluate(Mapped(ROOTS, NOW)) == found
    assert program.explain(Mapped(ROOTS, NOW)).result == found


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")], ids=str)
@pytest.mark.parametrize("flavour", FLAVOURS)
@pytest.mark.parametrize(
    "text",
    [
        "${event.n}", "x${event.n}", "x${[event.n]}", "${[event.n]}", "${toString(event.n)}", "${concat(event.n)}",
        "${-event.n}", "${jsonMarshal([event.n])}", "${'a' + event.n}", "${[1] + event.n}", "${event.n =~ 'I'}",
        "${event.l[event.n]}", "${{event.n: 1}}", "${event.n + 1}", "${event.n & 1}", "${2 ** event.n * event.n}",
        "${~event.n}",
    ],
)  # fmt: skip
def test_a_number_that_json_does_not_have_is_an_error(text: str, flavour: relay.Flavour, number: float) -> None:
    result = relay.compile(text, flavour=flavour).evaluate(Mapped({"event": {"n": number, "l": [1]}}, NOW))
    assert isinstance(result, Error), result
    assert result.code is Code.VALUE
    printed = relay.query(number, "{$}", "jsonpath-template", Mapped({}, NOW), flavour)
    assert isinstance(printed, Error)


def test_a_long_chain_of_conditions_is_no_deep_one() -> None:
    assert evaluate("${" + " && ".join(["parameters.one == 1"] * 3000) + "}") == Value(True)


def test_documents_are_bounded_too() -> None:
    deep = nested(DEEP)
    documents: list[Json] = [
        deep,
        {"$fn.concat": deep},
        {"$encoding": "base64", "data": deep},
        {"$fn.path": [deep, "a"]},
    ]
    for document in documents:
        found = relay.evaluate(document, scope())
        assert isinstance(found, Error)
        assert list(relay.failing(document)) == []
        assert relay.constant(document) is None
    calls: Json = "x"
    for _ in range(DEEP):
        calls = {"$fn.concat": [calls]}
    for found in (relay.evaluate(calls, scope()), relay.query(calls, "$", "", scope())):
        assert isinstance(found, Error)
        assert found.code is Code.LIMIT
    assert list(relay.findings(calls, relay.RELAY))
    assert list(relay.failing(calls, relay.RELAY)) == []
    assert relay.constant(calls) is None
    assert relay.has_expressions(calls)


@pytest.mark.parametrize(
    ("lang", "text"),
    [
        ("path", "(" * DEEP), ("path", "a" * LONG), ("path-template", "${" + "[" * DEEP),
        ("jsonpath", "$" + ".a" * LONG),
        ("jsonpath", "$" + "..*" * 30), ("jsonpath", "$[?(" + "(" * DEEP + ")" * DEEP + ")]"),
        ("jsonpath-template", "{range .list[*]}" * DEEP), ("jsonpath-template", "{$..*}{$..*}" * 2000),
        ("jsonpath-template", "{range $..*}" * 20 + "{end}" * 20),
    ],
)  # fmt: skip
def test_queries_are_bounded_too(lang: str, text: str) -> None:
    document: Json = {"list": [[1, 2], [3, 4]], "a": {"a": {"a": {"b": [nested(10)]}}}}
    found = relay.query(document, text, lang, scope())
    assert isinstance(found, Error)
    assert found.code is Code.LIMIT


@given(st.text(alphabet=st.sampled_from("${}()[]'\"`.,:|>&=!~+-*/ \n\\abc019é\0\ud800") | st.characters()))
@settings(max_examples=400)
def test_any_text_gives_a_result_twice_the_same(text: str) -> None:
    wrapped = "${" + text
    for flavour in FLAVOURS:
        for tried in (text, wrapped, wrapped + "}"):
            program = relay.compile(tried, flavour=flavour)
            found = program.evaluate(Mapped(ROOTS, NOW))
            assert program.evaluate(Mapped(ROOTS, NOW)) == found
            if program.error is not None:
                assert 0 <= program.error.position <= len(tried)
            if isinstance(found, Unresolved):
                assert found.value == tried


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON)
def test_a_value_passes_through_as_it_is(value: Any) -> None:
    roots = Mapped({"parameters": {"x": value}}, NOW)
    documents: list[Json] = ["${parameters.x}", "${coalesce(parameters.x, null)}", {"$type": "Parameter", "name": "x"}]
    for document in documents:
        found = relay.evaluate(document, roots)
        assert isinstance(found, Value)
        assert repr(found.value) == repr(value)


@given(JSON)
def test_json_text_gives_the_value_back(value: Any) -> None:
    roots = Mapped({"parameters": {"x": value}}, NOW)
    found = relay.compile("${jsonUnmarshal(jsonMarshal(parameters.x))}").evaluate(roots)
    assert isinstance(found, Value)
    assert found.value == value


@given(st.text(), st.text())
def test_a_value_in_a_text_is_never_evaluated_again(before: str, value: str) -> None:
    roots = Mapped({"parameters": {"x": value}}, NOW)
    literal = before.replace("$", "")
    assert relay.compile(f"{literal}${{parameters.x}}").evaluate(roots) == Value(literal + value)


@given(st.text())
def test_an_escaped_text_is_a_literal_in_ensues_own_dialect(text: str) -> None:
    if "$${" not in text and "$$" not in text and not text.endswith("$"):
        assert relay.compile(text.replace("${", "$${")).evaluate(scope()) == Value(text)


@given(st.integers(-(2**53), 2**53), st.integers(-(2**20), 2**20))
def test_whole_results_are_integers(left: int, right: int) -> None:
    roots = Mapped({"parameters": {"l": left, "r": right}}, NOW)
    found = relay.compile("${parameters.l - parameters.r}").evaluate(roots)
    assert isinstance(found, Value)
    assert isinstance(found.value, int)
    assert found.value == int(float(left) - float(right))


@given(JSON, JSON)
def test_equality_is_symmetric_and_the_same_for_equal_things(left: Any, right: Any) -> None:
    roots = Mapped({"parameters": {"l": left, "r": right}}, NOW)
    one, other = (
        relay.compile(text).evaluate(roots)
        for text in ("${parameters.l == parameters.r}", "${parameters.r == parameters.l}")
    )
    assert one == other
    same = relay.compile("${parameters.l == parameters.l && equals(parameters.l, parameters.l)}").evaluate(roots)
    assert same == Value(True) or isinstance(same, Error)
