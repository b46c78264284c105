"""The algebra of index clauses."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import indexing
from ensue.expr.indexing import ANYTHING, Clauses

A, B, C = ("string", "a"), ("string", "b"), ("string", "c")
X, Y = ("event", "x"), ("event", "y")


def clauses(**paths: set[indexing.Key]) -> Clauses:
    return {("event", name): frozenset(keys) for name, keys in paths.items()}


@pytest.mark.parametrize(
    ("left", "right", "is_same"),
    [
        (1, True, False), (0, False, False), (1, 1.0, True), (0.0, -0.0, True), ("1", 1, False), (None, False, False),
        ("a", b"a", False), (2**53 + 1, float(2**53 + 1), False), (2**53, float(2**53), True), ("", None, False),
    ],
)  # fmt: skip
def test_keys_are_equal_when_filters_hold_the_values_equal(left: object, right: object, is_same: bool) -> None:
    assert (indexing.index_key(left) == indexing.index_key(right)) is is_same


def test_lists_and_objects_have_no_key() -> None:
    assert indexing.index_key([]) is None
    assert indexing.index_key({}) is None


@pytest.mark.parametrize(
    ("path", "key"),
    [
        (("event", "x"), A), (("event", "n"), ("null", None)), (("event", "o", "x"), ("number", 1)),
        (("event", "o"), None), (("event", "z"), None), (("event", "x", "y"), None), (("none",), None),
    ],
)  # fmt: skip
def test_the_key_at_a_path_is_found(path: indexing.Path, key: indexing.Key | None) -> None:
    assert indexing.find({"event": {"x": "a", "n": None, "o": {"x": 1}}}, path) == key


@pytest.mark.parametrize(
    ("left", "right", "both", "either"),
    [
        (clauses(x={A}), clauses(y={B}), clauses(x={A}, y={B}), ANYTHING),
        (clauses(x={A}), clauses(x={B}), clauses(x=set()), clauses(x={A, B})),
        (clauses(x={A, B}), clauses(x={B, C}, y={A}), clauses(x={B}, y={A}), clauses(x={A, B, C})),
        (clauses(x={A}), ANYTHING, clauses(x={A}), ANYTHING),
        # A filter that never says yes adds nothing to the other.
        (clauses(x=set()), clauses(y={A}), clauses(x=set(), y={A}), clauses(y={A})),
    ],
)
def test_clauses_combine(left: Clauses, right: Clauses, both: Clauses, either: Clauses) -> None:
    assert indexing.every([left, right]) == indexing.every([right, left]) == both
    assert indexing.some([left, right]) == indexing.some([right, left]) == either


def test_a_clause_of_very_many_values_is_dropped() -> None:
    many = [clauses(x={("number", number)}, y={A}) for number in range(indexing.MAX_KEYS + 1)]
    assert indexing.some(many) == clauses(y={A})


KEYS = st.frozensets(st.sampled_from([A, B, C]), max_size=3)
CLAUSES: st.SearchStrategy[Any] = st.dictionaries(st.sampled_from([X, Y]), KEYS)
ROOTS: st.SearchStrategy[Any] = st.fixed_dictionaries(
    {"event": st.dictionaries(st.sampled_from("xy"), st.sampled_from("abc"))}
)


@given(CLAUSES, CLAUSES, ROOTS)
def test_combined_clauses_hold_where_their_parts_do(left: Clauses, right: Clauses, roots: Any) -> None:
    holds = indexing.hold(left, roots), indexing.hold(right, roots)
    assert indexing.hold(indexing.every([left, right]), roots) == all(holds)
    assert indexing.hold(indexing.some([left, right]), roots) or not any(holds)


def test_of_no_parts_every_one_holds_and_none_does() -> None:
    assert indexing.every([]) == ANYTHING
    assert indexing.some([]) == indexing.some([indexing.NEVER]) == indexing.NEVER
    assert not indexing.hold(indexing.NEVER, {"event": {"x": "a"}})
