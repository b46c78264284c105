"""What every expression language promises. A language joins with one entry of LANGUAGES."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import cel
from ensue.expr.interface import LIMITS, Code, Error, Language, Limits, Mapped, Needs, Unresolved, Value

NOW = datetime(2024, 2, 29, tzinfo=UTC)
EVENT: dict[str, Any] = {"type": "push", "n": 3, "list": list(range(100)), "data": {"ref": "main"}, "text": "abc" * 100}
NOISE = st.text(max_size=30) | st.text(st.sampled_from("abe.[](){}$'\"\\|&!?:,+- 01\n#\x00\ud800é"), max_size=30)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Texts of one language by what they show."""

    language: Language
    values: dict[str, Any]
    """Texts with their values on EVENT."""
    broken: dict[str, int]
    """Texts that do not compile, with the position of the error."""
    failing: dict[str, int]
    """Texts that compile and fail, with the position of the error."""
    costly: tuple[str, ...]
    """Texts that need more than ten steps."""
    growing: tuple[str, ...]
    """Texts that make more than ten characters or elements."""
    opening: str
    """What opens a level of nesting."""
    waiting: str
    """A text that reads the root `secrets`."""
    needed: frozenset[tuple[str, ...]]


LANGUAGES = {
    "cel": Sample(
        language=cel,
        values={
            "event.type == 'push'": True,
            "event.data.ref + '!'": "main!",
            "event.list.filter(x, x < event.n)": [0, 1, 2],
            "{'a': [event.n, null]}": {"a": [3, None]},
        },
        broken={"event.": 6, "event.type ==": 13, "(event": 6, "event.type.startWith('a')": 11, "'": 0},
        failing={"event.data.rev": 11, "true && event.n + 'a' == ''": 8, "1 / 0": 0},
        costly=("event.list.all(x, true)", "event.list.map(x, x).size() > 0"),
        growing=("event.text + event.text", "event.list.map(x, x)"),
        opening="(",
        waiting="secrets.a == 'x'",
        needed=frozenset({("secrets",)}),
    ),
}


@pytest.fixture(params=LANGUAGES)
def sample(request: pytest.FixtureRequest) -> Sample:
    return LANGUAGES[request.param]


def scope() -> Mapped:
    return Mapped({"event": copy.deepcopy(EVENT), "secrets": {}}, NOW, frozenset({"secrets"}))


def texts(sample: Sample) -> Iterator[str]:
    yield from [*sample.values, *sample.broken, *sample.failing, *sample.costly, *sample.growing, sample.waiting]


def test_a_text_has_its_value(sample: Sample) -> None:
    found = {text: sample.language.compile(text).evaluate(scope()) for text in sample.values}
    assert found == {text: Value(value) for text, value in sample.values.items()}


def test_a_broken_text_says_where(sample: Sample) -> None:
    for text, position in sample.broken.items():
        program = sample.language.compile(text)
        assert program.error is not None, text
        assert program.error.message
        assert (text, program.error.position) == (text, position)
        assert program.evaluate(scope()) == program.error == program.explain(scope()).result


def test_a_failing_text_says_where(sample: Sample) -> None:
    for text, position in sample.failing.items():
        result = sample.language.compile(text).evaluate(scope())
        assert isinstance(result, Error), text
        assert (text, result.position) == (text, position)


def test_what_is_not_loaded_is_asked_for(sample: Sample) -> None:
    program = sample.language.compile(sample.waiting)
    assert program.evaluate(scope()) == Needs(sample.needed)
    assert sample.needed <= program.refs


def test_the_same_text_gives_the_same_answer_and_changes_nothing(sample: Sample) -> None:
    for text in texts(sample):
        held = scope()
        program = sample.language.compile(text)
        first = program.evaluate(held)
        assert program.evaluate(held) == first == sample.language.compile(text).evaluate(scope()), text
        assert held == scope(), text


def test_an_explanation_has_the_result_and_parts_of_the_text(sample: Sample) -> None:
    for text in texts(sample):
        program = sample.language.compile(text)
        explanation = program.explain(scope())
        assert explanation.result == program.evaluate(scope()), text
        for clause in explanation.because:
            assert text[clause.position :].startswith(clause.text), text


def test_steps_are_bounded(sample: Sample) -> None:
    for text in sample.costly:
        result = sample.language.compile(text, Limits(steps=10)).evaluate(scope())
        assert isinstance(result, Error), text
        assert result.code is Code.LIMIT
        assert not isinstance(sample.language.compile(text).evaluate(scope()), Error)


def test_what_is_made_is_bounded(sample: Sample) -> None:
    for text in sample.growing:
        result = sample.language.compile(text, Limits(size=10)).evaluate(scope())
        assert isinstance(result, Error), text
        assert result.code is Code.LIMIT
        assert not isinstance(sample.language.compile(text).evaluate(scope()), Error)


@pytest.mark.parametrize("depth", [LIMITS.depth + 1, 10_000, 60_000])
def test_nesting_is_bounded(sample: Sample, depth: int) -> None:
    error = sample.language.compile(sample.opening * depth).error
    assert error is not None
    assert error.code is Code.LIMIT


def test_the_length_of_a_text_is_bounded(sample: Sample) -> None:
    for text in texts(sample):
        error = sample.language.compile(text + " " * 1_000_000).error
        assert error is not None
        assert error.code is Code.LIMIT


@pytest.mark.parametrize("name", LANGUAGES)
@given(noise=NOISE, data=st.data())
def test_no_text_raises(name: str, noise: str, data: st.DataObject) -> None:
    sample = LANGUAGES[name]
    known = data.draw(st.sampled_from([*texts(sample)]))
    cut = data.draw(st.integers(0, len(known)))
    for text in (noise, known[:cut] + noise, known[:cut] + noise + known[cut:]):
        program = sample.language.compile(text)
        result = program.evaluate(scope())
        assert isinstance(result, Value | Unresolved | Error | Needs)
        if isinstance(result, Error):
            assert 0 <= result.position <= len(text)
        assert isinstance(program.explain(scope()).result, Value | Unresolved | Error | Needs)
