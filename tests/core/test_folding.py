"""Names of steps as names of directories: those that are plain stay, and no two are one."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import folding
from ensue.engines import layout
from ensue.model.values import STEP_NAME_PATTERN, STEP_TITLE_PATTERN

TITLES = st.from_regex(STEP_TITLE_PATTERN, fullmatch=True)
NAMES = st.from_regex(STEP_NAME_PATTERN, fullmatch=True) | TITLES


@pytest.mark.parametrize(
    ("step", "near"),
    [
        ("Deploy it!", "Deploy-it"),
        ("a.b", "a-b"),
        ("a/../b", "a-b"),
        ("..", "step"),
        ("—", "step"),
        ("Größe", "Gr-e"),
        ("x" * 200, "x" * folding.KEPT),
    ],
)
def test_a_title_is_known_again_by_what_it_begins_with(step: str, near: str) -> None:
    assert re.fullmatch(rf"{re.escape(near)}\.x[0-9a-f]{{16}}", folding.folded(step))


def test_titles_that_look_alike_have_directories_of_their_own() -> None:
    titles = ["Deploy it!", "Deploy it?", "Deploy-it", "Deploy it", "deploy it!", "Größe", "Grüße", "a/b", "a.b", "a b"]
    assert len({folding.folded(title) for title in titles}) == len(titles)


@given(st.from_regex(STEP_NAME_PATTERN, fullmatch=True))
def test_a_plain_name_is_what_it_was(step: str) -> None:
    assert folding.folded(step) == step


@given(TITLES, st.integers(-1, 9), st.integers(1, 99))
def test_every_attempt_has_a_directory(step: str, item: int, attempt: int) -> None:
    assert layout.is_name(layout.attempt_name("run", step, item, attempt))


@given(
    st.lists(st.tuples(NAMES, st.integers(-1, 9), st.integers(1, 99)), min_size=2, max_size=2, unique=True),
)
def test_no_two_attempts_have_one_directory(two: list[tuple[str, int, int]]) -> None:
    one, other = (layout.attempt_name("run", *each) for each in two)
    assert one != other


def test_a_title_that_looks_folded_is_folded_again() -> None:
    once = folding.folded("Deploy it!")
    assert folding.folded(once) not in (once, folding.folded("Deploy it!"))
