"""The lists extension."""

import itertools
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel import values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.lists import LISTS
from ensue.expr.cel.values import Duration, Optional, Timestamp, Uint
from ensue.expr.interface import Code, Limits
from tests.expr.cel import calling

SORT_BY = "@sortByAssociatedKeys"


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("slice", ([1, 2, 3, 4], 1, 3), [2, 3]), ("slice", ([1], 1, 1), []), ("slice", ([1, 2], 0, 2), [1, 2]),
        ("flatten", ([1, [2, [3, [4]]]],), [1, 2, [3, [4]]]), ("flatten", ([1, [2, [3, [4]]]], 2), [1, 2, 3, [4]]),
        ("flatten", ([[1], [2]], 0), [[1], [2]]), ("flatten", ([[], [[]]],), [[]]), ("flatten", ([[[[]]]], 99), []),
        ("lists.range", (3,), [0, 1, 2]), ("lists.range", (0,), []), ("lists.range", (-1,), []),
        ("distinct", ([1, 2, 2, 1.0, Uint(1), 3],), [1, 2, 3]),
        ("distinct", ([True, 1, "1", b"1", None],), [True, 1, "1", b"1", None]),
        ("distinct", ([[1], [1.0], {"a": 1}, {"a": Uint(1)}, [1, 2]],), [[1], {"a": 1}, [1, 2]]),
        ("reverse", ([1, [2], "3"],), ["3", [2], 1]), ("reverse", ([],), []),
        ("sort", ([3, 1, 2],), [1, 2, 3]), ("sort", (["b", "a", "B"],), ["B", "a", "b"]), ("sort", ([],), []),
        ("sort", ([True, False],), [False, True]), ("sort", ([b"b", b"a"],), [b"a", b"b"]),
        ("sort", ([Timestamp(2), Timestamp(1)],), [Timestamp(1), Timestamp(2)]),
        ("sort", ([Duration(2), Duration(-1)],), [Duration(-1), Duration(2)]),
        (SORT_BY, ([["x"], "y", {}], [3, 1, 2]), ["y", {}, ["x"]]), (SORT_BY, (["a", "b"], [1, 1]), ["a", "b"]),
    ],
)  # fmt: skip
def test_a_function_has_a_value(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert calling.described(calling.call(LISTS, name, *arguments)) == calling.described(expected)


def test_the_ends_of_a_list_are_optional() -> None:
    first, last = calling.call(LISTS, "first", [1, 2]), calling.call(LISTS, "last", [1, 2])
    assert values.equal(first, Optional(1))
    assert values.equal(last, Optional(2))
    assert calling.call(LISTS, "first", []) is calling.call(LISTS, "last", []) is values.NONE


def test_nan_is_equal_to_nothing() -> None:
    assert len(calling.call(LISTS, "distinct", [math.nan, math.nan])) == 2


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("slice", ([1], -1, 1), "cannot slice(-1, 1), negative indexes not supported"),
        ("slice", ([1], 1, 0), "cannot slice(1, 0), start index must be less than or equal to end index"),
        ("slice", ([1], 0, 2), "cannot slice(0, 2), list is length 1"),
        ("flatten", ([], -1), "level must be non-negative"),
        ("sort", ([1, 2.0],), "list elements must have the same type"),
        ("sort", ([[1], [2]],), "no such overload: sort(list(list))"),
        ("sort", ([None],), "no such overload: sort(list(null))"),
        (SORT_BY, ([1, 2], [1, "a"]), "list elements must have the same type"),
        (SORT_BY, ([1], [{}]), "no such overload: sortBy(list(map))"),
        ("first", ("text",), "no such overload: first(string)"),
    ],
)  # fmt: skip
def test_a_wrong_call_fails(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Failure) as caught:
        calling.call(LISTS, name, *arguments)
    assert caught.value.message == message


def deep(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("lists.range", (10**18,)), ("lists.range", (1001,)), ("reverse", ([1] * 1001,)),
        ("slice", ([1] * 1001, 0, 1001)),
        ("flatten", ([[1] * 1001],)), ("flatten", (deep(2000), 10**18)),
        ("distinct", ([[number] for number in range(60)],)),
        ("sort", (["x" * 10_000] * 100,)), ("sort", ([1] * 500,)),
    ],
)  # fmt: skip
def test_what_would_cost_too_much_is_stopped(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Failure) as caught:
        calling.call(LISTS, name, *arguments, limits=Limits(size=1000, steps=1000))
    assert caught.value.code is Code.LIMIT


ITEMS = st.lists(
    st.none() | st.booleans() | st.integers(0, 3)
    | st.sampled_from([1.0, 2.5, Uint(1), "1", b"1", [1], [Uint(1)], {"a": 1}]),
    max_size=8,
)  # fmt: skip


@given(ITEMS)
def test_what_is_distinct_holds_each_of_equal_values_once(items: list[Any]) -> None:
    found = calling.call(LISTS, "distinct", items)
    assert all(any(values.equal(item, other) for other in found) for item in items)
    assert sum(values.equal(left, right) for left in found for right in found) == len(found)


@given(st.lists(st.integers()) | st.lists(st.text(max_size=2)) | st.lists(st.floats(allow_nan=False)))
def test_sorting_orders_as_comparison_does_and_leaves_the_list(items: list[Any]) -> None:
    before = list(items)
    found = calling.call(LISTS, "sort", items)
    assert items == before
    assert sorted(map(repr, found)) == sorted(map(repr, items))
    assert all(left <= right for left, right in itertools.pairwise(found))
    assert calling.call(LISTS, SORT_BY, items, items) == found
