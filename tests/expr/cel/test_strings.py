"""The strings extension."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr.cel.failure import Failure
from ensue.expr.cel.strings import STRINGS
from ensue.expr.interface import Code, Limits
from tests.expr.cel import calling


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("charAt", ("abc", 0), "a"), ("charAt", ("héllo", 1), "é"), ("charAt", ("abc", 3), ""),
        ("indexOf", ("héllo", "l"), 2), ("indexOf", ("abc", "x"), -1), ("indexOf", ("abc", ""), 0),
        ("indexOf", ("abcabc", "b", 2), 4), ("indexOf", ("abc", "", 3), 3), ("indexOf", ("abc", "c", 3), -1),
        ("lastIndexOf", ("abca", "a"), 3), ("lastIndexOf", ("abca", "a", 2), 0), ("lastIndexOf", ("abca", "ca", 2), 2),
        ("lastIndexOf", ("abc", ""), 3), ("lastIndexOf", ("abc", "", 1), 1), ("lastIndexOf", ("abc", "x"), -1),
        ("join", ([],), ""), ("join", (["a", "b"],), "ab"), ("join", (["a", "b"], "-"), "a-b"), ("join", ([], "-"), ""),
        ("lowerAscii", ("ÄbC",), "Äbc"), ("upperAscii", ("äbC",), "äBC"),
        ("replace", ("aaa", "a", "b"), "bbb"), ("replace", ("aaa", "a", "b", 2), "bba"),
        ("replace", ("aaa", "a", "b", 0), "aaa"), ("replace", ("aaa", "a", "b", -1), "bbb"),
        ("replace", ("ab", "", "-"), "-a-b-"), ("replace", ("ab", "", "-", 2), "-a-b"), ("replace", ("", "", "-"), "-"),
        ("split", ("a,b,c", ","), ["a", "b", "c"]), ("split", ("a,b,c", ",", 2), ["a", "b,c"]),
        ("split", ("a,b,c", ",", 0), []), ("split", ("a,b,c", ",", 1), ["a,b,c"]),
        ("split", ("a,b", ",", -1), ["a", "b"]), ("split", ("", ","), [""]),
        ("split", ("abc", ""), ["a", "b", "c"]), ("split", ("abc", "", 2), ["a", "bc"]), ("split", ("", ""), [""]),
        ("substring", ("héllo", 1), "éllo"), ("substring", ("abc", 3), ""), ("substring", ("abc", 1, 2), "b"),
        ("substring", ("abc", 0, 3), "abc"), ("substring", ("abc", 3, 3), ""), ("substring", ("", 0, 0), ""),
        ("trim", (" \t\n\u00a0\u2003x\u0085\u3000",), "x"),
        ("trim", ("\u200b\u180e\ufeff\x1c",), "\u200b\u180e\ufeff\x1c"),
        ("reverse", ("héllo",), "olléh"), ("reverse", ("",), ""),
        ("strings.quote", ('a"b\n\t\\\a\x01ü',), '"a\\"b\\n\\t\\\\\\a\x01ü"'), ("strings.quote", ("",), '""'),
    ],
)  # fmt: skip
def test_a_function_has_a_value(name: str, arguments: tuple[Any, ...], expected: Any) -> None:
    assert calling.call(STRINGS, name, *arguments) == expected


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("charAt", ("abc", 4), "index out of range: 4"), ("charAt", ("abc", -1), "index out of range: -1"),
        ("indexOf", ("abc", "", 4), "index out of range: 4"),
        ("lastIndexOf", ("abc", "a", -1), "index out of range: -1"),
        ("substring", ("abc", 4), "index out of range: 4"), ("substring", ("abc", 0, 4), "index out of range: 4"),
        ("substring", ("abc", 2, 1), "invalid substring range: start 2, end 1"),
        ("join", (["a", 1],), "no such overload: join(list(int))"),
        ("charAt", ("abc", True), "no such overload: charAt(string, bool)"),
        ("charAt", (b"abc", 1), "no such overload: charAt(bytes, int)"),
    ],
)  # fmt: skip
def test_a_wrong_call_fails(name: str, arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(Failure) as caught:
        calling.call(STRINGS, name, *arguments)
    assert caught.value.message == message


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("replace", ("a" * 1000, "", "b" * 1000)), ("join", (["a" * 1000] * 1000,)), ("join", ([""] * 1000, "-" * 100)),
        ("split", ("a" * 1500, "")), ("lowerAscii", ("a" * 2001,)), ("strings.quote", ("\n" * 1500,)),
        ("substring", ("a" * 5000, 1)), ("reverse", ("a" * 2001,)), ("trim", ("a" * 2001,)),
    ],
)  # fmt: skip
def test_what_would_grow_too_large_is_stopped(name: str, arguments: tuple[Any, ...]) -> None:
    with pytest.raises(Failure) as caught:
        calling.call(STRINGS, name, *arguments, limits=Limits(size=2000))
    assert caught.value.code is Code.LIMIT


def _texts(size: int) -> st.SearchStrategy[str]:
    """Without NUL, at which the reference's Python binding cuts texts."""
    return st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=size)


TEXTS = st.text("aAbé,\u2003\n", max_size=6)
PARTS = st.text("aAb,", max_size=2)
NUMBERS = st.integers(-2, 8)
ARGUMENTS: dict[str, list[tuple[st.SearchStrategy[Any], ...]]] = {
    "charAt": [(TEXTS, NUMBERS)],
    "indexOf": [(TEXTS, PARTS), (TEXTS, PARTS, NUMBERS)],
    "lastIndexOf": [(TEXTS, PARTS), (TEXTS, PARTS, NUMBERS)],
    "join": [(st.lists(TEXTS | st.just(1), max_size=3),), (st.lists(TEXTS, max_size=3), PARTS)],
    "lowerAscii": [(TEXTS,)],
    "upperAscii": [(TEXTS,)],
    "replace": [(TEXTS, PARTS, PARTS), (TEXTS, PARTS, PARTS, NUMBERS)],
    "split": [(TEXTS, PARTS), (TEXTS, PARTS, NUMBERS)],
    "substring": [(TEXTS, NUMBERS), (TEXTS, NUMBERS, NUMBERS)],
    "reverse": [(TEXTS,)],
    "trim": [(_texts(4),)],
    "strings.quote": [(_texts(6),)],
}
CALLS = st.sampled_from([(name, each) for name, kinds in ARGUMENTS.items() for each in kinds]).flatmap(
    lambda call: st.tuples(st.just(call[0]), st.tuples(*call[1]))
)


@given(CALLS)
def test_a_call_ends_as_in_the_reference(call: tuple[str, tuple[Any, ...]]) -> None:
    name, arguments = call
    assert calling.outcome(STRINGS, name, *arguments) == calling.referred(name, *_without_end(name, arguments))


def _without_end(name: str, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
    """The reference refuses an end that is the size of the text, which the extension's definition allows."""
    is_whole = name == "substring" and len(arguments) == 3 and arguments[2] == len(arguments[0])
    return arguments[:2] if is_whole and arguments[1] <= arguments[2] else arguments


def test_every_function_is_compared_with_the_reference() -> None:
    assert {overload.name for overload in STRINGS} == set(ARGUMENTS)
