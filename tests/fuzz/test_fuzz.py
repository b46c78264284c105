"""A short, repeatable piece of what `python -m tests.fuzz` does for longer."""

import itertools
from typing import NoReturn

import pytest

from tests.fuzz import fuzzing
from tests.fuzz.fuzzing import Hang, Target
from tests.fuzz.targets import TARGETS

SEED, COUNT = 1, 300


@pytest.mark.parametrize("target", TARGETS.values(), ids=TARGETS)
def test_mutated_texts_end_in_a_result_or_a_declared_error(target: Target) -> None:
    texts = itertools.islice(fuzzing.texts(target, SEED), COUNT)
    findings = [finding for text in texts if (finding := fuzzing.attempt(target, text))]
    assert findings == []


def test_the_same_seed_gives_the_same_texts() -> None:
    target = TARGETS["yaml"]
    runs = [list(itertools.islice(fuzzing.texts(target, seed), 50)) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]


def test_what_raises_or_hangs_is_found() -> None:
    def raises(text: str) -> NoReturn:
        raise KeyError(text)

    def hangs(text: str) -> NoReturn:
        while True:
            pass

    found = fuzzing.attempt(Target(name="raises", seeds=["x"], run=raises), "x")
    assert found is not None
    assert isinstance(found.error, KeyError)
    found = fuzzing.attempt(Target(name="hangs", seeds=["x"], run=hangs), "x", hang_seconds=0.05)
    assert found is not None
    assert isinstance(found.error, Hang)
