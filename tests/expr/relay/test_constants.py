"""What is known of expressions before they are evaluated: wrong calls, constants, and constants that fail."""

# ruff: noqa: E501 (tables)

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import relay
from ensue.expr.interface import Error, Mapped, Value
from ensue.expr.relay.signatures import SIGNATURES
from ensue.model.values import Json
from tests.expr.relay.trees import NOW, evaluate, mistakes, parameter

FLAVOURS = [relay.RELAY, relay.RELAY_STRICT, relay.NATIVE, relay.NATIVE_STRICT]
BAD: Json = {"$fn.jsonUnmarshal": ["{"]}


def call(name: str, given: Json) -> relay.Called:
    [found] = [one.what for one in relay.findings({f"$fn.{name}": given})]
    assert isinstance(found, relay.Called)
    return found


def test_every_function_has_a_signature() -> None:
    assert SIGNATURES.keys() == relay.FUNCTIONS.keys()


COUNTED = [(name, ["x"] * count) for name in SIGNATURES for count in range(5)]
NAMED: list[tuple[str, dict[str, Json]]] = [
    (name, dict.fromkeys(keys, "x"))
    for name in SIGNATURES
    for keys in ((), ("to",), ("content", "to"), ("objects",), ("mode",), ("object",), ("object", "query"))
]


@pytest.mark.parametrize(("name", "given"), [*COUNTED, *NAMED])
def test_a_wrong_call_is_told_in_the_words_of_its_evaluation(name: str, given: Any) -> None:
    result = evaluate({f"$fn.{name}": given})
    told = result.message if isinstance(result, Error) else ""
    is_wrong = any(word in told for word in ("number of arguments", "keyword arguments", "arg not found"))
    found = relay.miscall(call(name, given))
    assert (found.message if found and not found.is_harmless else "") == (told if is_wrong else "")


@pytest.mark.parametrize(
    ("name", "given", "message", "remedy"),
    [
        ("path", {"object": {}, "query": "a", "defualt": 1}, 'takes no argument "defualt"', 'did you mean "default"?'),
        ("merge", {"objects": [], "x": 1}, 'takes no argument "x"', "it takes objects, mode"),
        ("equals", ["a"], "1 (wanted 2)", "write equals(a, b)"),
        ("append", [], "0 (wanted 2 or more)", "write append(list, item…)"),
        ("path", ["a"], "1 (wanted 2 or 3)", "write path(object, query, default)"),
    ],
)
def test_a_wrong_call_says_how_it_is_written(name: str, given: Json, message: str, remedy: str) -> None:
    found = relay.miscall(call(name, given))
    assert found is not None
    assert message in found.message
    assert found.remedy == remedy


@pytest.mark.parametrize(
    "text",
    [
        "concat([1])", "jsonUnmarshal('{')", "jsonUnmarshal(1)", "append(1, 2)", "toString([1])",
        "merge(objects: [], mode: 'x')", "convertMarkdown('slack', 'x')", "path({'a': 1}, 'b')", "path({}, 'f(x)')",
        "jsonUnmarshal('{') == parameters.x", "concat([1]) && parameters.x", "parameters.x + toString([1])",
        "parameters[concat([1])]", "jsonUnmarshal('{') |> a", "[parameters.x, {'k': concat([1])}]",
        "-jsonUnmarshal('{}')", "concat(parameters.x, jsonUnmarshal('{'))", "exists(jsonUnmarshal('{'))",
        "coalesce(jsonUnmarshal('{'), 1)", "now() == concat([1])",
    ],
)  # fmt: skip
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_constant_that_fails_is_found(text: str, flavour: relay.Flavour) -> None:
    [(keys, error)] = relay.failing({"a": [f"x ${{{text}}}"]}, flavour)
    assert keys == ("a", 0)
    assert error.position >= 4
    assert isinstance(relay.evaluate(f"${{{text}}}", Mapped({"parameters": {"x": True}}, NOW), flavour), Error)


@pytest.mark.parametrize(
    ("document", "keys"),
    [
        (BAD, ()), ({"a": BAD}, ("a",)), ([1, {"a": BAD}], (1, "a")), ({"$fn.concat": [parameter("x"), BAD]}, ("$fn.concat", 1)),
        ({"$fn.concat": ["a", BAD]}, ()), ({"$fn.jsonUnmarshal": "${concat('{', 'x')}"}, ()),
        ({"$fn.merge": {"objects": [parameter("x"), BAD]}}, ("$fn.merge", "objects", 1)),
        ({"$encoding": "base64", "data": BAD}, ("data",)),
    ],
)  # fmt: skip
@pytest.mark.parametrize("flavour", FLAVOURS)
def test_a_tagged_call_that_fails_is_found_where_it_stands(
    document: Json, keys: tuple[str | int, ...], flavour: relay.Flavour
) -> None:
    [(found, error)] = relay.failing(document, flavour)
    assert (found, error.position) == (keys, -1)


@pytest.mark.parametrize(
    "document",
    [
        "${coalesce(parameters.x, jsonUnmarshal('{'))}", "${parameters.x && concat([1])}", "${path(parameters.x, 'a', concat([1]))}",
        "${false && jsonUnmarshal('{')}", "${coalesce('d', jsonUnmarshal('{'))}", "${path({'a': 1}, 'a', concat([1]))}",
        "${path({'a': 1, 'b': concat([1])}, 'a')}", "${exists(parameters.x[concat([1])])}", "${toString(now())}",
        {"$fn.coalesce": [parameter("x"), BAD]}, {"$fn.path": [{"a": BAD, "b": 1}, "b", BAD]}, {"$type": "Other", "a": BAD},
        {"$fn.concat": [1], "more": 2}, "$fn.concat", {"a": None}, "${bogus}", "${",
    ],
)  # fmt: skip
def test_what_need_not_be_evaluated_does_not_fail(document: Json) -> None:
    assert list(relay.failing(document)) == []


def test_a_constant_that_costs_much_is_left_to_the_run() -> None:
    doubling = "path('" + "a" * 1000 + "', '" + " |> ".join(["$ + $"] * 12) + "')"
    assert list(relay.failing(f"${{jsonUnmarshal({doubling})}}")) == []
    assert isinstance(evaluate(f"${{jsonUnmarshal({doubling})}}"), Error)


@pytest.mark.parametrize(
    ("document", "value"),
    [
        ("a", Value("a")), ("${'a'}", Value("a")), ("${1 == 1} ", Value("true ")), ({"$fn.concat": ["a"]}, Value("a")),
        ([{"$fn.equals": [1, 1]}], Value([True])), (True, Value(True)), ("${parameters.x}", None), (parameter("x"), None),
        ("${now()}", None), ("${concat([1])}", None), ({"$fn.equals": [1]}, None), ("${1 +}", None),
        ("${coalesce(1, parameters.x)}", None),
    ],
)  # fmt: skip
def test_a_document_that_depends_on_nothing_has_a_value_already(document: Json, value: Value | None) -> None:
    assert relay.constant(document) == value


SCALARS = st.sampled_from([None, True, 0, 1.5, "", "a", "{", "[1]", "a.b", "html", "${parameters.x}", "${1 + 1}"])
TREES = st.recursive(
    SCALARS | st.just({"$type": "Parameter", "name": "x"}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "object", "query", "default", "objects"]), inner, max_size=2)
        | st.builds(lambda name, given: {f"$fn.{name}": given}, st.sampled_from(sorted(SIGNATURES)), inner)
    ),
    max_leaves=8,
)


@given(TREES, st.sampled_from(FLAVOURS), st.sampled_from([None, "a", 1, True, {"a": {"b": 1}}]))
def test_what_is_said_to_fail_fails_whatever_it_depends_on(document: Any, flavour: relay.Flavour, x: Json) -> None:
    if list(relay.failing(document, flavour)):
        assert isinstance(relay.evaluate(document, Mapped({"parameters": {"x": x}}, NOW), flavour), Error)
    if relay.constant(document, flavour) is not None:
        assert evaluate(document, flavour) == relay.constant(document, flavour)
        assert mistakes(document, flavour) == []
