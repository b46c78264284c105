"""What counts as true."""

import pytest

from ensue.core import conditions
from ensue.model.values import Json


@pytest.mark.parametrize(
    ("value", "known"),
    [
        (True, True), (False, False), ("true", True), ("false", False), (" True\n", True), ("FALSE", False),
        ("", None), ("yes", None), ("1", None), (1, None), (0, None), (None, None), ([], None), ({}, None),
    ],
)  # fmt: skip
def test_only_booleans_and_the_words_for_them_are_true_or_false(value: Json, known: bool | None) -> None:
    assert conditions.truth(value) is known
