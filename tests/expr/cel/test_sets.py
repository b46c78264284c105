"""The sets extension."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel import values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.sets import SETS
from ensue.expr.cel.values import Duration, Uint
from ensue.expr.interface import Code, Limits
from tests.expr.cel import calling


@pytest.mark.parametrize(
    ("name", "left", "right", "expected"),
    [
        ("contains", [], [], True), ("contains", [], [1], False), ("contains", [1, 2], [2], True),
        ("contains", [1], [1.0, Uint(1)], True), ("contains", [1], [True], False),
        ("contains", [[1], [2]], [[2.0]], True),
        ("contains", ["1"], [1], False), ("contains", [Duration(1)], [Duration(1)], True),
        ("equivalent", [], [], True), ("equivalent", [1, 1], [1], True), ("equivalent", [1, 2], [2.0, Uint(1)], True),
        ("equivalent", [1, 2], [1], False), ("equivalent", [{"a": [1]}], [{"a": [1.0]}], True),
        ("intersects", [], [], False), ("intersects", [1], [], False), ("intersects", [1, 2], [3, 2.0], True),
        ("intersects", [[1]], [[2], [1]], True), ("intersects", [None], [False, 0, ""], False),
    ],
)  # fmt: skip
def test_lists_are_compared_as_sets(name: str, left: list[Any], right: list[Any], expected: bool) -> None:
    assert calling.call(SETS, f"sets.{name}", left, right) is expected


def test_many_values_cost_their_number_and_not_its_square() -> None:
    many = list(range(10_000))
    assert calling.call(SETS, "sets.equivalent", many, many[::-1]) is True


def test_many_lists_are_stopped() -> None:
    many = [[number] for number in range(1000)]
    with pytest.raises(Failure) as caught:
        calling.call(SETS, "sets.contains", many, many, limits=Limits(steps=10_000))
    assert caught.value.code is Code.LIMIT


ITEMS = st.lists(
    st.sampled_from([None, True, 1, 1.0, Uint(1), 2, 2.5, "1", b"1", [1], [1.0], [[2]], {"a": 1}, {"a": 1.0}]),
    max_size=5,
)


@given(ITEMS, ITEMS)
def test_sets_follow_the_equality_of_values(left: list[Any], right: list[Any]) -> None:
    def is_in(item: Any, items: list[Any]) -> bool:
        return any(values.equal(item, other) for other in items)

    contains = all(is_in(item, left) for item in right)
    assert calling.call(SETS, "sets.contains", left, right) == contains
    assert calling.call(SETS, "sets.intersects", left, right) == any(is_in(item, left) for item in right)
    is_equivalent = contains and all(is_in(item, right) for item in left)
    assert calling.call(SETS, "sets.equivalent", left, right) == is_equivalent
