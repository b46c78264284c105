"""What holds for every text and every event."""

import copy
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.expr import cel
from ensue.expr.interface import Error, Limits, Mapped, Result, Value
from tests.expr.cel import evaluating
from tests.expr.cel.test_differential import EVENTS, EXPRESSIONS

VERDICTS = st.sampled_from(["true", "false", "event.zz", "1 / 0 == 1", "event.b", "event.a == 1", "1", "secrets.a"])


def verdict(text: str, event: Any) -> Result | str:
    """The result, errors being alike: of two that fail, either may be named."""
    scope = Mapped({"event": event, "secrets": {}}, evaluating.NOW, frozenset({"secrets"}))
    result = cel.compile(text).evaluate(scope)
    return "error" if isinstance(result, Error) else result


@given(VERDICTS, VERDICTS, EVENTS)
def test_logic_does_not_depend_on_the_order(left: str, right: str, event: Any) -> None:
    for sign in ("&&", "||"):
        assert verdict(f"({left}) {sign} ({right})", event) == verdict(f"({right}) {sign} ({left})", event)


@given(VERDICTS, VERDICTS, VERDICTS, EVENTS)
def test_a_chain_is_its_pairs(a: str, b: str, c: str, event: Any) -> None:
    for sign in ("&&", "||"):
        chain = verdict(f"({a}) {sign} ({b}) {sign} ({c})", event)
        assert chain == verdict(f"({a}) {sign} (({b}) {sign} ({c}))", event)
        assert chain == verdict(f"(({a}) {sign} ({b})) {sign} ({c})", event)


@given(VERDICTS, VERDICTS, EVENTS)
def test_a_negated_chain_is_the_other_chain(left: str, right: str, event: Any) -> None:
    negated = verdict(f"!(({left}) && ({right}))", event)
    assert negated == verdict(f"!({left}) || !({right})", event)


@given(st.lists(st.sampled_from([0, 1, 2, "a", None]), max_size=5), st.sampled_from(["1 / x > 0", "x == 1", "x < 2"]))
def test_macros_are_chains(items: list[Any], body: str) -> None:
    event = {"l": items}
    parts = [f"({body.replace('x', f'event.l[{place}]')})" for place in range(len(items))]
    assert verdict(f"event.l.all(x, {body})", event) == verdict(" && ".join(["true", *parts]), event)
    assert verdict(f"event.l.exists(x, {body})", event) == verdict(" || ".join(["false", *parts]), event)


@given(EXPRESSIONS, EVENTS)
@settings(max_examples=300)
def test_evaluating_is_repeatable_and_changes_nothing(text: str, event: Any) -> None:
    before = copy.deepcopy(event)
    program = cel.compile(text)
    scope = Mapped({"event": event}, evaluating.NOW)
    first = program.evaluate(scope)
    assert repr(program.evaluate(scope)) == repr(first)
    assert repr(cel.compile(text + " " * 2_000).evaluate(scope)) == repr(first)
    explanation = program.explain(scope)
    assert repr(explanation.result) == repr(first)
    assert repr(event) == repr(before)


@given(EXPRESSIONS, EVENTS, st.integers(1, 30), st.integers(1, 30))
@settings(max_examples=300)
def test_a_smaller_budget_gives_the_same_answer_or_says_so(text: str, event: Any, steps: int, size: int) -> None:
    scope = Mapped({"event": event}, evaluating.NOW)
    small = cel.compile(text, Limits(steps=steps, size=size)).evaluate(scope)
    if not (isinstance(small, Error) and small.code == "limit"):
        assert repr(small) == repr(cel.compile(text).evaluate(scope))


@given(st.text(max_size=40))
@settings(max_examples=300)
def test_any_text_ends_in_an_answer(text: str) -> None:
    program = cel.compile(text)
    result = program.evaluate(Mapped({}, evaluating.NOW))
    assert isinstance(result, Value | Error)
    assert program.explain(Mapped({}, evaluating.NOW)).result == result or "NaN" in repr(result)
    assert isinstance(cel.check(text), tuple)
    if isinstance(result, Error):
        assert 0 <= result.position <= len(text)
