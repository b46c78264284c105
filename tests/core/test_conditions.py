"""What counts as true."""

import pytest

from ensue.core import conditions
from ensue.expr import relay
from ensue.expr.interface import Error, Kind, Missing, Result, Unresolved, Value
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


KEYLESS = Unresolved(None, (Missing(Kind.SECRET, ("a", "value")),))
LACKING = Unresolved(None, (Missing(Kind.SECRET, ("a",)),))
STRANGE = Unresolved(None, (Missing(Kind.SECRET, ("a",)), Missing(Kind.CONNECTION, ("t", "hush"))))


@pytest.mark.parametrize(
    ("condition", "result", "said"),
    [
        ("${secrets.a}", Value("hush"), "it is neither true nor"), ("${secrets.a}", Error("hush"), "it cannot be"),
        ("${connections.t[secrets.a].k}", STRANGE, "something is missing"), ("${secrets.a}", LACKING, ""),
        ("${secrets.a}", KEYLESS, ""),
        ({"$type": "Connection", "type": "t", "name": {"$type": "Secret", "name": "a"}}, STRANGE, "something is"),
        ({"$type": "Connection", "type": "t", "name": "hush"}, Unresolved(None, STRANGE.missing[1:]), ""),
        ("${$ |> a}", Error("hush"), "it cannot be"), ("${parameters.a}", Value("plain"), ""),
        ("${outputs.a.b}", Error("plain"), ""),
    ],
)  # fmt: skip
def test_why_a_condition_cannot_be_told_is_not_said_where_that_might_show_a_secret(
    condition: Json, result: Result, said: str
) -> None:
    found = conditions.secrecy(condition, result, relay.RELAY)
    assert found.startswith(said) if said else found == ""
    assert "hush" not in found
