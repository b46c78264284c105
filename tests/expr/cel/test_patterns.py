"""Regular expressions: RE2's, and the same answer where the methods of strings give it."""

import pytest
import re2
from hypothesis import given, settings
from hypothesis import strategies as st

from ensue.expr.cel import patterns
from ensue.expr.cel.failure import Failure
from ensue.expr.cel.meter import Meter
from ensue.expr.interface import LIMITS, Code, Limits

PIECES = st.sampled_from(
    ["^", "$", ".*", "a", "b", r"\.", r"\/", r"\-", r"\$", "/", "-", "é", " ", "\n", ".", "a*", "[ab]", "(a|b)"]
)
TEXTS = st.text(st.sampled_from("ab./-\n$é "), max_size=6)


@given(st.lists(PIECES, max_size=5).map("".join), TEXTS)
@settings(max_examples=500)
def test_a_shortcut_answers_as_re2_does(pattern: str, text: str) -> None:
    assert patterns.compile(pattern).test(text) is (re2.search(pattern, text) is not None)


@pytest.mark.parametrize("pattern", ["^this-will-.*", "^a$", "a$", "a", "^", "", "$", ".*", "^a\\.b$", "a.*"])
def test_plain_patterns_need_no_engine(pattern: str) -> None:
    assert patterns.compile(pattern).size == 0


@pytest.mark.parametrize(
    "pattern", ["(", "a**", "(?=a)", "(?<!a)", r"\1", "a{1001}", "[b-a]", "((a{100}){100}){100}", "\ud800"]
)
def test_what_re2_refuses_fails(pattern: str) -> None:
    with pytest.raises(Failure, match="invalid regular expression"):
        patterns.compile(pattern)


def test_nothing_is_written_to_the_error_stream(capfd: pytest.CaptureFixture[str]) -> None:
    for pattern in ("(", "((b{100}){100}){100}"):
        with pytest.raises(Failure):
            patterns.compile(pattern)
    assert capfd.readouterr().err == ""


def test_a_long_text_costs_its_length_times_the_pattern() -> None:
    pattern = patterns.compile("^(a|b|ab)*c$")
    assert pattern.matches(Meter(LIMITS), "a" * 10_000) is False
    with pytest.raises(Failure) as caught:
        pattern.matches(Meter(Limits(steps=100)), "a" * 10_000)
    assert caught.value.code is Code.LIMIT
