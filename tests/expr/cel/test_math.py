"""The math extension."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel import values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.math import MATH
from ensue.expr.cel.values import Uint
from tests.expr.cel import calling

NAN, INFINITY = math.nan, math.inf
MIN = values.INT_MIN


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        # The first of equals, as it was given.
        ("greatest", (1,), 1), ("greatest", (1, 2.5), 2.5), ("greatest", (1, 1.0), 1), ("greatest", (1.0, 1), 1.0),
        ("greatest", ([1, 2.0, Uint(3)],), Uint(3)), ("greatest", (1, 2, 3, 4, 5, 6, 7.5), 7.5),
        ("greatest", (1, NAN), 1), ("greatest", (NAN, 1), NAN), ("greatest", (2**53 + 1, 2.0**53), 2**53 + 1),
        ("least", (1, 1), 1), ("least", (Uint(1), 1), Uint(1)), ("least", ([3, -2.5],), -2.5), ("least", (NAN, 1), NAN),
        ("ceil", (1.2,), 2.0), ("ceil", (-0.5,), -0.0), ("ceil", (INFINITY,), INFINITY), ("ceil", (1e300,), 1e300),
        ("floor", (-1.2,), -2.0), ("floor", (NAN,), NAN), ("floor", (0.5,), 0.0),
        ("trunc", (-1.7,), -1.0), ("trunc", (-INFINITY,), -INFINITY),
        ("round", (1.5,), 2.0), ("round", (2.5,), 3.0), ("round", (-1.5,), -2.0), ("round", (-0.3,), -0.0),
        ("round", (0.49999999999999994,), 0.0), ("round", (4503599627370497.5,), 4503599627370498.0),
        ("round", (NAN,), NAN),
        ("abs", (-1,), 1), ("abs", (-1.5,), 1.5), ("abs", (Uint(1),), Uint(1)), ("abs", (-0.0,), 0.0),
        ("sign", (-5,), -1), ("sign", (0,), 0), ("sign", (Uint(7),), Uint(1)), ("sign", (-5.5,), -1.0),
        ("sign", (NAN,), NAN), ("sign", (-0.0,), 0.0),
        ("isNaN", (NAN,), True), ("isNaN", (1.0,), False), ("isInf", (-INFINITY,), True), ("isInf", (NAN,), False),
        ("isFinite", (1.0,), True), ("isFinite", (NAN,), False),
        ("sqrt", (2.0,), math.sqrt(2.0)), ("sqrt", (4,), 2.0), ("sqrt", (Uint(4),), 2.0), ("sqrt", (-1,), NAN),
        ("bitAnd", (5, 3), 1), ("bitAnd", (Uint(5), Uint(3)), Uint(1)), ("bitOr", (-1, 3), -1), ("bitXor", (-1, 3), -4),
        ("bitNot", (1,), -2), ("bitNot", (Uint(0),), Uint(values.UINT_MAX)),
        ("bitShiftLeft", (1, 2), 4), ("bitShiftLeft", (1, 63), MIN), ("bitShiftLeft", (1, 64), 0),
        ("bitShiftLeft", (-1, 1), -2), ("bitShiftLeft", (Uint(1), 63), Uint(2**63)), ("bitShiftLeft", (1, 2**62), 0),
        ("bitShiftRight", (-1024, 3), 2305843009213693824), ("bitShiftRight", (-1, 64), 0),
        ("bitShiftRight", (-1, 0), -1), ("bitShiftRight", (Uint(8), 1), Uint(4)),
    ],
)  # fmt: skip
def test_a_function_has_a_value_of_a_type(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert calling.described(calling.call(MATH, f"math.{name}", *arguments)) == calling.described(expected)


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("greatest", ([],), "math.greatest(list) argument must not be empty"),
        ("least", ([1, "a"],), "math.least(list) elements must be numbers, not string"),
        ("greatest", (1, "a"), "no such overload: math.greatest(int, string)"),
        ("greatest", (True,), "no such overload: math.greatest(bool)"),
        ("abs", (MIN,), "integer overflow"), ("sqrt", (10**400,), "integer overflow"),
        ("ceil", (1,), "no such overload: math.ceil(int)"),
        ("bitAnd", (5, Uint(3)), "no such overload: math.bitAnd(int, uint)"),
        ("bitShiftLeft", (1, -1), "math.bitShiftLeft() negative offset: -1"),
        ("bitShiftRight", (Uint(1), -2), "math.bitShiftRight() negative offset: -2"),
    ],
)  # fmt: skip
def test_a_wrong_call_fails(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Failure) as caught:
        calling.call(MATH, f"math.{name}", *arguments)
    assert caught.value.message == message


INTS = st.integers(values.INT_MIN, values.INT_MAX) | st.integers(-3, 70)
NUMBERS = INTS | st.floats() | st.sampled_from([0.5, -0.5, 1.5, 2.5, 2.0**53, 2**53 + 1])
ONE = st.sampled_from(
    ["ceil", "floor", "trunc", "round", "abs", "sign", "isNaN", "isInf", "isFinite", "sqrt", "bitNot"]
)
TWO = st.sampled_from(["bitAnd", "bitOr", "bitXor", "bitShiftLeft", "bitShiftRight"])
MANY = st.sampled_from(["greatest", "least"])
CALLS: st.SearchStrategy[tuple[str, list[Any]]] = (
    st.tuples(ONE, st.lists(NUMBERS, min_size=1, max_size=1))
    | st.tuples(TWO, st.lists(INTS, min_size=2, max_size=2))
    | st.tuples(MANY, st.lists(NUMBERS, min_size=1, max_size=5))
    | st.tuples(MANY, st.lists(st.lists(NUMBERS, max_size=5), min_size=1, max_size=1))
)


@given(CALLS)
def test_a_call_ends_as_in_the_reference(call: tuple[str, list[Any]]) -> None:
    name, arguments = f"math.{call[0]}", call[1]
    assert calling.outcome(MATH, name, *arguments) == calling.referred(name, *arguments)


@given(st.integers(0, values.UINT_MAX), st.integers(0, 70))
def test_shifting_an_unsigned_number_keeps_what_fits(number: int, count: int) -> None:
    left = calling.call(MATH, "math.bitShiftLeft", Uint(number), count)
    right = calling.call(MATH, "math.bitShiftRight", Uint(number), count)
    assert (left, right) == (number << count & values.UINT_MAX, number >> count)
    assert type(left) is type(right) is Uint
