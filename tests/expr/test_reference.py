"""References in strings: `${root.name[0]}`."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import interface, reference
from ensue.expr.interface import Error, Mapped, Needs, Result, Unresolved, Value
from ensue.model.values import Json
from tests.core.playing import NOW

ROOTS: dict[str, Json] = {
    "parameters": {
        "s": "x",
        "n": 3,
        "f": 1.5,
        "t": True,
        "z": None,
        "l": [1, [2]],
        "o": {"a b": {"c-d": "e"}},
        "u": "ü",
    },
    "outputs": {"build": {"url": "u"}},
    "secrets": {},
}
PARAMETERS: Any = ROOTS["parameters"]


def evaluate(text: str, lazy: frozenset[str] = frozenset()) -> Result:
    return reference.compile(text).evaluate(Mapped(roots=ROOTS, now=NOW, lazy=lazy))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", ""), ("plain", "plain"), ("$", "$"), ("$HOME {x} $(y)", "$HOME {x} $(y)"),
        # One reference alone keeps its type.
        ("${parameters.s}", "x"), ("${parameters.n}", 3), ("${parameters.f}", 1.5), ("${parameters.t}", True),
        ("${parameters.z}", None), ("${parameters.l}", [1, [2]]), ("${parameters.l[1][0]}", 2),
        ("${ parameters.n }", 3), ("${parameters['o'][\"a b\"].c-d}", "e"), ("${parameters}", PARAMETERS),
        ("${outputs.build.url}", "u"),
        # In a longer text it becomes text.
        ("<${parameters.n}>", "<3>"), ("<${parameters.t}>", "<true>"), ("<${parameters.z}>", "<>"),
        ("<${parameters.f}>", "<1.5>"), ("<${parameters.l}>", "<[1,[2]]>"), (" ${parameters.n}", " 3"),
        ("${parameters.s}${parameters.u}", "xü"), ("<${parameters.o}>", '<{"a b":{"c-d":"e"}}>'),
        # The escape.
        ("$${parameters.n}", "${parameters.n}"), ("a $${ b", "a ${ b"), ("$${x}${parameters.n}", "${x}3"),
        ("$$${parameters.n}", "$${parameters.n}"), ("$${", "${"), ("$$", "$$"),
    ],
)  # fmt: skip
def test_a_text_evaluates_to_a_value(text: str, value: Json) -> None:
    assert evaluate(text) == Value(value)


@pytest.mark.parametrize(
    ("text", "position"),
    [("${", 0), ("${}", 0), ("a ${ 1+1 }", 2), ("${parameters.n", 0), ("${parameters.s} ${parameters..s}", 16),
     ("$${ok} ${x[}", 7), ("${parameters[a]}", 0), ("${a b}", 0), ("ü ${1}", 2), ("${parameters.l[-1]}", 0)],
)  # fmt: skip
def test_what_is_no_reference_is_an_error_where_it_is(text: str, position: int) -> None:
    found = evaluate(text)
    assert isinstance(found, Error)
    assert found.position == position
    assert text[found.position :].startswith("${")


@pytest.mark.parametrize(
    ("text", "value", "missing"),
    [
        ("${parameters.q}", "${parameters.q}", ("parameters.q",)),
        ("<${parameters.q}> ${parameters.n}", "<${parameters.q}> 3", ("parameters.q",)),
        ("${a.b}${c}", "${a.b}${c}", ("a.b", "c")),
        ("${parameters.l[7]}", "${parameters.l[7]}", ("parameters.l[7]",)),
        ("${parameters.l.x}", "${parameters.l.x}", ("parameters.l.x",)),
        ("${parameters.s.x}", "${parameters.s.x}", ("parameters.s.x",)),
        ("${parameters.o[0]}", "${parameters.o[0]}", ("parameters.o[0]",)),
        ("${parameters.z.x}", "${parameters.z.x}", ("parameters.z.x",)),
        ("${outputs.test.x}", "${outputs.test.x}", ("outputs.test.x",)),
    ],
)
def test_what_is_absent_is_named_and_left_as_it_is(text: str, value: str, missing: tuple[str, ...]) -> None:
    assert evaluate(text) == Unresolved(value, missing)


def test_what_is_not_loaded_is_asked_for_all_at_once() -> None:
    found = evaluate("${outputs.test.x} ${outputs['lint']} ${outputs.build.url}", frozenset({"outputs"}))
    assert found == Needs(frozenset({("outputs", "test"), ("outputs", "lint")}))
    assert evaluate("${outputs}", frozenset({"outputs"})) == Needs(frozenset({("outputs",)}))


@pytest.mark.parametrize(
    ("text", "refs"),
    [
        ("plain", set()), ("$${outputs.a.b}", set()), ("${oops", set()),
        ("${outputs.a.b} ${outputs['c d']}", {("outputs", "a"), ("outputs", "c d")}),
        ("${parameters.a}${run.name}", {("parameters",), ("run",)}),
        ("${secrets.x.y}", {("secrets", "x")}), ("${outputs}", {("outputs",)}),
    ],
)  # fmt: skip
def test_what_a_text_can_read_is_known_without_evaluating_it(text: str, refs: set[interface.Ref]) -> None:
    assert reference.compile(text).refs == frozenset(refs)


@given(st.text())
def test_any_text_compiles_and_one_without_an_opening_is_itself(text: str) -> None:
    found = evaluate(text)
    if "${" not in text:
        assert found == Value(text)


@given(st.text())
def test_an_escaped_text_is_a_literal(text: str) -> None:
    escaped = text.replace("${", "$${")
    if "$${" not in text and not text.endswith("$"):
        assert evaluate(escaped) == Value(text)


@given(st.text(), st.text())
def test_a_value_is_never_evaluated_again(before: str, value: str) -> None:
    scope = Mapped(roots={"parameters": {"x": value}}, now=NOW)
    literal = before.replace("$", "")
    assert reference.compile(f"{literal}${{parameters.x}}").evaluate(scope) == Value(literal + value)
