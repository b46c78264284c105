"""What a step may write to its outputs file."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.engines import outputs

GOOD = [
    ("", {}),
    ("a=1", {"a": "1"}),
    ("a=1\na=2\n", {"a": "2"}),
    ("a=\n", {"a": ""}),
    ("a= x = y ", {"a": " x = y "}),
    ("a.b-c_d=1", {"a.b-c_d": "1"}),
    ("n:=12", {"n": 12}),
    ("n:= [1, null]", {"n": [1, None]}),
    ("t=:=1", {"t": ":=1"}),
    ("t=<<E", {"t": "<<E"}),
    ("b<<E\nE\n", {"b": ""}),
    ("b<<E\nx=1\n\n y\nE\nc=2", {"b": "x=1\n\n y", "c": "2"}),
    ('{"a": {"b": 1}, "c": "d"}\n\n  {"e": 2}', {"a": {"b": 1}, "c": "d", "e": 2}),
    ("v=ü", {"v": "ü"}),
]
BAD = [
    ("x", "line 1"),
    ("a=1\n\n=x", "line 3"),
    ("1a=x", "line 1"),
    ("a:={", "not JSON"),
    ("a:=NaN", "NaN"),
    ("a<<", "word"),
    ("ok=1\na<<END\nx\ny", "line 2"),
    ('{"a": 1', "not JSON"),
    ('a:="\\ud800"', "UTF-8"),
    ("a:=" + "[" * 100_000, "nested"),
]


@pytest.mark.parametrize(("text", "values"), GOOD)
def test_good_outputs_are_read(text: str, values: dict[str, object]) -> None:
    assert outputs.parse(text.encode()) == outputs.Outputs(values=values)  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "part"), BAD)
def test_bad_outputs_name_the_line_and_the_problem(text: str, part: str) -> None:
    problem = outputs.parse(text.encode()).problem
    assert "line" in problem
    assert part in problem


def test_what_came_before_a_problem_is_kept() -> None:
    found = outputs.parse(b"a=1\n\xff=2\n")
    assert found == outputs.Outputs(values={"a": "1"}, problem="outputs, line 2: not UTF-8 text")


def test_too_much_is_refused() -> None:
    assert "larger" in outputs.parse(b"a=" + b"x" * outputs.MAX_BYTES).problem


@given(st.binary(max_size=200))
def test_nothing_makes_it_fail(data: bytes) -> None:
    outputs.parse(data)
