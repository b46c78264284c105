"""Names and keys of secrets."""

from typing import Any

import pytest

from ensue.model import secret
from ensue.model.errors import InvalidInput
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, Namespace


@pytest.mark.parametrize(
    "given",
    [
        {"name": "a"},
        {"name": "0_-" + "z" * 60},
        {"name": "a", "key": "PASSWORD"},
        {"name": "a", "key": ".dockerconfigjson"},
        {"name": "a", "key": "..data"},
        {"name": "a", "key": "x" * 253, "workflow": "build"},
    ],
)
def test_what_may_be_a_place(given: dict[str, str]) -> None:
    secret.check(SecretPlace(namespace=DEFAULT_NAMESPACE, **given))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"name": ""}, '"" is not the name of a secret'),
        ({"name": "A"}, '"A" is not the name of a secret'),
        ({"name": "a\n"}, "name of a secret"),
        ({"name": "-a"}, "name of a secret"),
        ({"name": "a" * 64}, "name of a secret"),
        ({"name": "a", "workflow": "B"}, '"B" is not the name of a workflow'),
        ({"name": "a", "key": ""}, "key of a secret"),
        ({"name": "a", "key": "."}, "key of a secret"),
        ({"name": "a", "key": ".."}, "key of a secret"),
        ({"name": "a", "key": "a/b"}, "key of a secret"),
        ({"name": "a", "key": "a\n"}, "key of a secret"),
        ({"name": "a", "key": "ä"}, "key of a secret"),
        ({"name": "a", "key": "x" * 254}, "key of a secret"),
    ],
)
def test_what_may_not(given: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        secret.check(SecretPlace(namespace=DEFAULT_NAMESPACE, **given))
    assert error.value.remedy


@pytest.mark.parametrize(
    ("given", "command"),
    [
        ({}, "ensue secret set a < FILE"),
        ({"key": "user", "namespace": Namespace("team")}, "ensue secret set a user -n team < FILE"),
        ({"workflow": "build"}, "ensue secret set a --workflow build < FILE"),
    ],
)
def test_the_command_that_sets_a_secret_names_all_of_its_place(given: dict[str, Any], command: str) -> None:
    assert secret.setting(SecretPlace(**{"namespace": DEFAULT_NAMESPACE, "name": "a", **given})) == command
