"""The mutations fit the code and the tests as they are; running them is `make mutations`."""

import re
from pathlib import Path

import pytest

from tests.mutations import trial
from tests.mutations.catalogue import MUTATIONS
from tests.mutations.mutation import Mutation

GUARANTEES = trial.ROOT / "docs" / "guarantees.md"


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda mutation: mutation.name)
def test_a_mutation_fits_the_code_and_names_a_test(mutation: Mutation) -> None:
    assert list(trial.misfits(mutation)) == []


def test_names_are_not_repeated() -> None:
    names = [mutation.name for mutation in MUTATIONS]
    assert len(set(names)) == len(names)


def test_the_page_of_guarantees_names_every_mutation_and_no_other() -> None:
    words = set(re.findall(r"`([a-z]+(?:-[a-z]+)+)`", GUARANTEES.read_text(encoding="utf-8")))
    assert words == {mutation.name for mutation in MUTATIONS}


def test_the_page_of_guarantees_names_only_tests_that_exist() -> None:
    for path in set(re.findall(r"\.\./(tests/[a-z_/]+\.py)", GUARANTEES.read_text(encoding="utf-8"))):
        assert Path(trial.ROOT, path).exists(), path


def test_the_tests_of_promises_exist() -> None:
    named = re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", GUARANTEES.read_text(encoding="utf-8"))
    assert len(named) > 50
    for path, name in named:
        assert f"def {name}(" in Path(trial.ROOT, "tests", path).read_text(encoding="utf-8"), name
