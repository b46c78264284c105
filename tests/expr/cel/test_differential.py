"""The same answer as the reference engine, by hand-picked texts and by generated texts and data."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.expr.cel import peer

EVENT = {
    "a": 1,
    "s": "héllo",
    "l": [1, 2, 3],
    "m": {"x": "y"},
    "n": None,
    "d": 1.5,
    "b": True,
    "deep": {"l": [{"k": 1}]},
}

TEXTS = (Path(__file__).parent / "texts.txt").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize("text", TEXTS)
def test_a_text_has_the_reference_answer(text: str) -> None:
    assert peer.ours(text, EVENT) == peer.theirs(text, EVENT)


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from([2**63 - 1, -(2**63)]),
    st.floats(-10, 10).map(lambda number: round(number, 2)),
    st.text(st.sampled_from("abé z/.-0"), max_size=4),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcl"), inner, max_size=3),
    max_leaves=8,
)
EVENTS = st.fixed_dictionaries({"a": DATA, "b": SCALARS, "l": st.lists(SCALARS, max_size=4)})

ATOMS = st.sampled_from(
    "event.a event.b event.l event.c event.a.b event.l[0] event.a.l x 1 2 0 -3 2u 1.5 0.0 'a' '' 'é' true false null []"  # noqa: SIM905
    " [1,'a'] {'a':1} {1:'a'} {true:2} b'a' 9223372036854775807 duration('1s') timestamp(0)".split()
)
WRAPPERS = [
    "({}) == ({})", "({}) != ({})", "({}) < ({})", "({}) >= ({})", "({}) + ({})", "({}) - ({})", "({}) * ({})",
    "({}) / ({})", "({}) % ({})", "({}) in ({})", "({}) && ({})", "({}) || ({})", "({})[{}]", "({}) in [{}]",
    "({0}) ? ({1}) : ({0})", "[{}, {}]", "{{'k': {}, 'a': {}}}", "({}).exists(x, {})", "({}).all(x, {})",
    "({}).exists_one(x, {})", "({}).map(x, {})", "({}).filter(x, {})", "({}).contains({})", "({}).startsWith({})",
    "({}).matches({})", "cel.bind(x, {}, {})", "({0}).?a.orValue({1})", "[{}][?0] == optional.of({})", "({}) > ({})",
]  # fmt: skip
SINGLE = [
    "!({})", "-({})", "size({})", "({}).size()", "int(({}) + 0)", "int(string({}))", "double(string({}))",
    "string({})", "bool({})",
    "has(({}).a)", "({}).a", "dyn({})", "type({0}) == type({0})",
    "optional.ofNonZeroValue({}).hasValue()", "bytes({})",
]  # fmt: skip


def _wrap(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    two = st.builds(lambda form, a, b: form.format(a, b), st.sampled_from(WRAPPERS), inner, inner)
    return two | st.builds(lambda form, a: form.format(a), st.sampled_from(SINGLE), inner)


EXPRESSIONS = st.recursive(ATOMS, _wrap, max_leaves=6)


@given(text=EXPRESSIONS, event=EVENTS)
@settings(max_examples=600, deadline=None)
def test_generated_texts_on_generated_data_have_the_reference_answer(text: str, event: Any) -> None:
    assert peer.ours(text, event) == peer.theirs(text, event)
