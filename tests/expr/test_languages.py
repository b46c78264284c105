"""What every expression language promises. A language joins with one entry of LANGUAGES."""

import copy
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.expr import cel, relay, subscriptions
from ensue.expr.interface import LIMITS, Code, Error, Limits, Mapped, Needs, Program, Unresolved, Value

NOW = datetime(2024, 2, 29, tzinfo=UTC)
EVENT: dict[str, Any] = {"type": "push", "n": 3, "list": list(range(100)), "data": {"ref": "main"}, "text": "abc" * 100}
NOISE = st.text(max_size=30) | st.text(st.sampled_from("abe.[](){}$'\"\\|&!?:,+- 01\n#\x00\ud800é"), max_size=30)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Texts of one language by what they show."""

    compile: Callable[[str, Limits], Program]
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


def relay_sample(flavour: relay.Flavour) -> Sample:
    return Sample(
        compile=lambda text, limits: relay.compile(text, limits, flavour),
        values={
            "${event.type == 'push'}": True,
            "${event.data.ref + '!'}": "main!",
            "n=${event.n}, ${event.data}": 'n=3, {\n\t"ref": "main"\n}',
            "${{'a': [event.n, null]}}": {"a": [3, None]},
            "${(event.n - 1) / (event.n - 2)}": 2,
        },
        broken={"${event.": 8, "${event.type ==}": 15, "x ${(event}": 10, "${'}": 2, "${1 / 0}": 4},
        failing={"${event.data.rev}": 2, "${true && event.n + null}": 10, "${'a' + nope()}": 8, "a ${evnt.n}": 4},
        costly=(
            "${" + " + ".join(["event.n"] * 20) + "}",
            "${[" + ", ".join(["event.n"] * 20) + "]}",
        ),
        growing=("${event.text + event.text}", "${append(event.list, 1)}", "${event.text} ${event.text}"),
        opening="${" + "(" * 200,
        waiting="${secrets.a == 'x'}",
        needed=frozenset({("secrets", "a")}),
    )


def subscription(text: str, limits: Limits) -> Program:
    """A filter as JSON; what is no JSON is the text of a CEL filter."""
    try:
        value = json.loads(text) if text.endswith("}") else {"cel": text}
    except (ValueError, RecursionError):
        value = {"cel": text}
    return subscriptions.parse(value, {"cel": lambda inner: cel.compile(inner, limits)}, limits)


LANGUAGES = {
    "cel": Sample(
        compile=cel.compile,
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
    "native": relay_sample(relay.NATIVE),
    "native, strict": relay_sample(relay.NATIVE_STRICT),
    "relay": relay_sample(relay.RELAY),
    "relay, strict": relay_sample(relay.RELAY_STRICT),
    "subscription": Sample(
        compile=subscription,
        values={'{"exact": {"type": "push"}}': True, '{"suffix": {"type": "pull"}}': False, "event.n == 3": True},
        broken={'{"exat": {}}': 0, '{"all": []}': 0, "event.type ==": 13, "event.type.startWith('a')": 11},
        failing={"event.data.rev": 11, "true && event.n + 'a' == ''": 8, "event.n": 0},
        costly=("event.list.all(x, true)",),
        growing=("event.text + event.text != ''",),
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


def compiled(sample: Sample, text: str) -> Program:
    return sample.compile(text, LIMITS)


def texts(sample: Sample) -> Iterator[str]:
    yield from [*sample.values, *sample.broken, *sample.failing, *sample.costly, *sample.growing, sample.waiting]


def test_a_text_has_its_value(sample: Sample) -> None:
    found = {text: compiled(sample, text).evaluate(scope()) for text in sample.values}
    assert found == {text: Value(value) for text, value in sample.values.items()}


def test_a_broken_text_says_where(sample: Sample) -> None:
    for text, position in sample.broken.items():
        program = compiled(sample, text)
        assert program.error is not None, text
        assert program.error.message
        assert (text, program.error.position) == (text, position)
        assert program.evaluate(scope()) == program.error == program.explain(scope()).result


def test_a_failing_text_says_where(sample: Sample) -> None:
    for text, position in sample.failing.items():
        result = compiled(sample, text).evaluate(scope())
        assert isinstance(result, Error), text
        assert (text, result.position) == (text, position)


def test_what_is_not_loaded_is_asked_for(sample: Sample) -> None:
    program = compiled(sample, sample.waiting)
    assert program.evaluate(scope()) == Needs(sample.needed)
    assert sample.needed <= program.refs


def test_the_same_text_gives_the_same_answer_and_changes_nothing(sample: Sample) -> None:
    for text in texts(sample):
        held = scope()
        program = compiled(sample, text)
        first = program.evaluate(held)
        assert program.evaluate(held) == first == compiled(sample, text).evaluate(scope()), text
        assert held == scope(), text


def test_an_explanation_has_the_result_and_parts_of_the_text(sample: Sample) -> None:
    for text in texts(sample):
        program = compiled(sample, text)
        explanation = program.explain(scope())
        assert explanation.result == program.evaluate(scope()), text
        for clause in explanation.because:
            assert text[clause.position :].startswith(clause.text), text


def test_steps_are_bounded(sample: Sample) -> None:
    for text in sample.costly:
        result = sample.compile(text, Limits(steps=10)).evaluate(scope())
        assert isinstance(result, Error), text
        assert result.code is Code.LIMIT
        assert not isinstance(compiled(sample, text).evaluate(scope()), Error)


def test_what_is_made_is_bounded(sample: Sample) -> None:
    for text in sample.growing:
        result = sample.compile(text, Limits(size=10)).evaluate(scope())
        assert isinstance(result, Error), text
        assert result.code is Code.LIMIT
        assert not isinstance(compiled(sample, text).evaluate(scope()), Error)


@pytest.mark.parametrize("depth", [LIMITS.depth + 1, 10_000, 60_000])
def test_nesting_is_bounded(sample: Sample, depth: int) -> None:
    error = compiled(sample, sample.opening * depth).error
    assert error is not None
    assert error.code is Code.LIMIT


def test_the_length_of_a_text_is_bounded(sample: Sample) -> None:
    for text in texts(sample):
        error = compiled(sample, text + " " * 1_000_000).error
        assert error is not None
        assert error.code is Code.LIMIT


@pytest.mark.parametrize("name", LANGUAGES)
@given(noise=NOISE, data=st.data())
def test_no_text_raises(name: str, noise: str, data: st.DataObject) -> None:
    sample = LANGUAGES[name]
    known = data.draw(st.sampled_from([*texts(sample)]))
    cut = data.draw(st.integers(0, len(known)))
    for text in (noise, known[:cut] + noise, known[:cut] + noise + known[cut:]):
        program = compiled(sample, text)
        result = program.evaluate(scope())
        assert isinstance(result, Value | Unresolved | Error | Needs)
        if isinstance(result, Error):
            assert 0 <= result.position <= len(text)
        assert isinstance(program.explain(scope()).result, Value | Unresolved | Error | Needs)
