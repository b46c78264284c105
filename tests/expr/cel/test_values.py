"""Equality, order and keys of values."""

import json
import math
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel import operators, results, values
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.meter import Meter
from ensue.expr.cel.values import NONE, Duration, Map, Optional, Timestamp, Type, Uint
from ensue.expr.interface import LIMITS, Code

NUMBERS = st.one_of(
    st.integers(values.INT_MIN, values.INT_MAX),
    st.integers(0, values.UINT_MAX).map(Uint),
    st.floats(),
    st.integers(-3, 3),
)
SCALARS = st.one_of(
    NUMBERS, st.none(), st.booleans(), st.text(max_size=3), st.binary(max_size=3), st.integers(0, 3).map(Timestamp),
    st.integers(-3, 3).map(Duration), st.sampled_from(["int", "uint"]).map(Type),
)  # fmt: skip
KEYS = st.one_of(st.booleans(), st.integers(-2, 2), st.integers(0, 2).map(Uint), st.sampled_from(["", "a", "1"]))


def unique(pairs: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    return list({values.canonical_key(key): (key, value) for key, value in pairs}.values())


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(st.tuples(KEYS, inner), max_size=3).map(unique).map(values.build_map),
        inner.map(Optional),
        st.just(NONE),
    ),
    max_leaves=6,
)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        (1, 1.0, True), (1, Uint(1), True), (Uint(1), 1.0, True), (1, True, False), (0, False, False),
        (0.0, False, False), ("", None, False), ("a", b"a", False), (math.nan, math.nan, False),
        (2**53 + 1, float(2**53), False),
        ([1, [True]], [1.0, [True]], True), ([1], [True], False), ([], {}, False), ({}, Map([]), True),
        ({"a": 1}, {"a": True}, False), (Map([(1, "a")]), Map([(Uint(1), "a")]), True),
        (Map([(1, "a")]), Map([(True, "a")]), False), (Timestamp(1), 1, False), (Timestamp(1), Duration(1), False),
        (Optional(1), Optional(1.0), True), (Optional(1), 1, False), (NONE, NONE, True), (NONE, None, False),
        (Type("int"), Type("int"), True), (Type("int"), "int", False), (object(), 1, False),
    ],
)  # fmt: skip
def test_values_are_equal_as_the_language_says(left: Any, right: Any, expected: bool) -> None:
    assert values.equal(left, right) is expected
    assert values.equal(right, left) is expected


@given(VALUES, VALUES)
def test_equality_is_symmetric_and_the_same_with_a_meter(left: Any, right: Any) -> None:
    assert values.equal(left, right) is values.equal(right, left) is values.equal(left, right, Meter(LIMITS))


@given(NUMBERS, NUMBERS)
def test_numbers_have_one_order_across_types(left: float, right: float) -> None:
    holds = {sign: operators.BINARY[sign](left, right, Meter(LIMITS)) for sign in ("<", "<=", "==", ">=", ">")}
    if math.isnan(left) or math.isnan(right):
        assert not any(holds.values())
    else:
        assert [holds["<"], holds["=="], holds[">"]].count(True) == 1
        assert holds["<="] is not holds[">"]
        assert holds[">="] is not holds["<"]
        assert holds["<"] is (Fraction(left) < Fraction(right) if math.isfinite(left + right) else left < right)


@pytest.mark.parametrize(("left", "right"), [(1, "a"), (None, None), ([], []), (True, 1), (Timestamp(0), Duration(0))])
def test_other_values_have_no_order(left: Any, right: Any) -> None:
    with pytest.raises(Failure, match="no such overload"):
        operators.BINARY["<"](left, right, Meter(LIMITS))


@given(st.lists(st.tuples(KEYS, SCALARS), max_size=5).map(unique))
def test_a_map_finds_each_of_its_keys(pairs: list[tuple[Any, Any]]) -> None:
    made = values.build_map(pairs)
    assert len(made) == len(pairs)
    assert list(values.keys(made)) == [key for key, _ in pairs]
    for key, value in pairs:
        assert values.find(made, key) is value


@pytest.mark.parametrize(
    ("key", "found"),
    [(1, "int"), (Uint(1), "int"), (1.0, "int"), (1.5, None), (True, "bool"), ("1", "text"), (b"1", None)],
)
def test_keys_are_told_apart_by_type_but_for_numbers(key: Any, found: str | None) -> None:
    made = values.build_map([(1, "int"), (True, "bool"), ("1", "text")])
    assert values.find(made, key) == (values.MISSING if found is None else found)


@pytest.mark.parametrize("pairs", [[(1, 0), (Uint(1), 0)], [("a", 0), ("a", 1)], [(True, 0), (True, 1)]])
def test_a_key_cannot_come_twice(pairs: list[tuple[Any, Any]]) -> None:
    with pytest.raises(Failure, match="twice"):
        values.build_map(pairs)


@pytest.mark.parametrize(
    ("make", "bad"),
    [
        (Uint, -1), (Uint, 2**64), (Timestamp, values.TIMESTAMP_MAX + 1), (Timestamp, values.TIMESTAMP_MIN - 1),
        (Duration, values.DURATION_MAX + 1), (Duration, -values.DURATION_MAX - 1), (values.checked, 2**63),
        (values.checked, -(2**63) - 1),
    ],
)  # fmt: skip
def test_what_is_out_of_range_overflows(make: Any, bad: int) -> None:
    with pytest.raises(Failure, match="overflow"):
        make(bad)


@pytest.mark.parametrize(
    ("value", "name", "kind"),
    [
        (None, "null_type", "null"), (True, "bool", "bool"), (1, "int", "int"), (Uint(1), "uint", "uint"),
        (1.0, "double", "double"), ("", "string", "string"), (b"", "bytes", "bytes"), ([], "list", "list"),
        ({}, "map", "map"), (Map([]), "map", "map"), (Timestamp(0), "google.protobuf.Timestamp", "timestamp"),
        (Duration(0), "google.protobuf.Duration", "duration"), (NONE, "optional_type", "optional"),
        (Type("x"), "type", "type"), (Code.VALUE, "string", "string"),
    ],
)  # fmt: skip
def test_types_have_names(value: Any, name: str, kind: str) -> None:
    assert (values.type_name(value), values.kind_of(value)) == (name, kind)


@given(VALUES)
def test_every_value_becomes_json(value: Any) -> None:
    found = results.to_json(value, Meter(LIMITS))
    assert json.loads(json.dumps(found, allow_nan=False)) == found
