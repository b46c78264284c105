"""Formatting of strings."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel import values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.formatting import FORMATTING
from ensue.expr.cel.values import Duration, Map, Optional, Timestamp, Type, Uint
from ensue.expr.interface import Code, Limits
from tests.expr.cel import calling


def format(text: str, *arguments: Any, limits: Limits | None = None) -> Any:
    return calling.call(FORMATTING, "format", text, list(arguments), limits=limits or Limits())


@pytest.mark.parametrize(
    ("text", "argument", "expected"),
    [
        ("%s", "a", "a"), ("%s", 1, "1"), ("%s", Uint(1), "1"), ("%s", None, "null"), ("%s", True, "true"),
        ("%s", b"abc", "abc"),
        ("%s", 1.0, "1"), ("%s", 2.71, "2.71"), ("%s", 1 / 3, "0.3333333333333333"), ("%s", 1e100, "1e+100"),
        ("%s", 1234567.0, "1.234567e+06"),
        ("%s", math.nan, "NaN"), ("%s", math.inf, "Infinity"), ("%s", -math.inf, "-Infinity"), ("%s", -0.0, "-0"),
        ("%s", [1, "a", 2.5, None, [True]], "[1, a, 2.5, null, [true]]"), ("%s", [], "[]"), ("%s", {}, "{}"),
        ("%s", {"b": 1, "a": {"c": []}}, "{a: {c: []}, b: 1}"), ("%s", Map([(2, 1), (True, "x"),
        (1, 2)]), "{1: 2, 2: 1, true: x}"),
        ("%s", Timestamp(1_500_000_000), "1970-01-01T00:00:01.5Z"), ("%s", Timestamp(0), "1970-01-01T00:00:00Z"),
        ("%s", Timestamp(values.TIMESTAMP_MIN), "0001-01-01T00:00:00Z"),
        ("%s", Timestamp(values.TIMESTAMP_MAX), "9999-12-31T23:59:59.999999999Z"),
        ("%s", Duration(3600 * 10**9), "3600s"), ("%s", Duration(-1_500_000_000), "-1.5s"), ("%s", Duration(0), "0s"),
        ("%s", Type("int"), "int"),
        ("%d", -1, "-1"), ("%d", Uint(2**64 - 1), "18446744073709551615"), ("%d", math.nan, "NaN"),
        ("%d", 1.5, "1.500000"),
        ("%f", 1.5, "1.500000"), ("%f", 1, "1.000000"), ("%.3f", 1.23456, "1.235"), ("%.0f", 2.5, "2"),
        ("%f", -math.inf, "-Infinity"),
        ("%e", 1.5, "1.500000e+00"), ("%.3e", 123456.789, "1.235e+05"), ("%e", 1, "1.000000e+00"),
        ("%b", 5, "101"), ("%b", -5, "-101"), ("%b", Uint(5), "101"), ("%b", True, "1"), ("%b", False, "0"),
        ("%o", 8, "10"), ("%o", -8, "-10"), ("%x", 255, "ff"), ("%X", -255, "-FF"), ("%x", "héllo", "68c3a96c6c6f"),
        ("%X", b"\x00\xff", "00FF"), ("%.3d", 5, "5"), ("%.2s", "abc", "abc"),
        ("%%%d%%", 1, "%1%"), ("plain", 1, "plain"), ("", 1, ""), ("a %s b", "\n%s", "a \n%s b"),
    ],
)  # fmt: skip
def test_a_clause_writes_its_argument(text: str, argument: Any, expected: str) -> None:
    assert format(text, argument) == expected


def test_clauses_take_their_arguments_in_order() -> None:
    assert format("%s is %.1f%%, %d", "x", 12.34, 5, "passed over") == "x is 12.3%, 5"


@pytest.mark.parametrize(
    ("text", "arguments", "message"),
    [
        ("%", [1], "could not parse formatting clause: unexpected end of format string"),
        ("%.3", [1], "could not parse formatting clause: unexpected end of format string"),
        ("%a", [1], 'could not parse formatting clause: unrecognized formatting clause "a"'),
        ("%5d", [1], 'could not parse formatting clause: unrecognized formatting clause "5"'),
        ("%.f", [1], "could not parse formatting clause: unable to convert precision specifier to integer"),
        ("%.1001f", [1], "could not parse formatting clause: precision specifier exceeds maximum of 1000"),
        ("%" + "." + "9" * 5000 + "f", [1],
         "could not parse formatting clause: unable to convert precision specifier to integer"),
        ("%s%s", [1], "index 1 out of range"),
        ("%d", ["a"], "error during formatting: decimal clause can only be used on numbers, was given string"),
        ("%f", [True], "error during formatting: fixed-point clause can only be used on numbers, was given bool"),
        ("%e", [[]], "error during formatting: scientific clause can only be used on numbers, was given list"),
        ("%b", ["a"],
         "error during formatting: binary clause can only be used on integers and bools, was given string"),
        ("%o", [1.0], "error during formatting: octal clause can only be used on integers, was given double"),
        ("%x", [True],
         "error during formatting: hex clause can only be used on integers, bytes, and strings, was given bool"),
        ("%s", [b"\xff"], "the bytes are not valid UTF-8"),
        ("%x", ["\ud800"], "half a surrogate pair is no Unicode character"),
        ("%f", [10**400], "integer overflow"),
    ],
)  # fmt: skip
def test_a_wrong_clause_fails(text: str, arguments: list[Any], message: str) -> None:
    with pytest.raises(Failure) as caught:
        format(text, *arguments)
    assert caught.value.message == message


def test_an_optional_has_no_text() -> None:
    with pytest.raises(Failure, match="was given optional_type"):
        format("%s", [Optional(1)])


def deep(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = {"a": [value]}
    return value


def test_depth_costs_no_frames() -> None:
    assert format("%s", deep(5000)).startswith("{a: [{a: [")


@pytest.mark.parametrize("argument", [["x" * 1000] * 1000, [[1] * 1000] * 1000, "x" * 5000, b"x" * 5000])
def test_what_would_grow_too_large_is_stopped(argument: Any) -> None:
    with pytest.raises(Failure) as caught:
        format("%s", argument, limits=Limits(size=2000, steps=10_000))
    assert caught.value.code is Code.LIMIT
    with pytest.raises(Failure):
        format("%.1000f" * 3, 1, 1, 1, limits=Limits(size=2000))


SCALARS = (
    st.none() | st.booleans() | st.integers(values.INT_MIN, values.INT_MAX) | st.text(max_size=3)
    | st.sampled_from([0.5, 1.0, -2.25, math.inf, math.nan, b"x"])
)  # fmt: skip
ARGUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=5,
)
CLAUSES = st.sampled_from(
    ["%s", "%d", "%f", "%.2f", "%e", "%.3e", "%b", "%o", "%x", "%X", "%%", "a", "%", "%.", "%z", "ü"]
)


@given(st.lists(CLAUSES, max_size=4).map("".join), st.lists(ARGUMENTS, max_size=4))
def test_formatting_ends_as_in_the_reference(text: str, arguments: list[Any]) -> None:
    assert calling.outcome(FORMATTING, "format", text, arguments) == calling.referred("format", text, arguments)
