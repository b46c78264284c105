"""Names and keys of secrets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.model import secret
from ensue.model.errors import InvalidInput
from ensue.model.secret import SecretPlace
from ensue.model.values import DEFAULT_NAMESPACE, NAME_PATTERN, Namespace


@pytest.mark.parametrize(
    "place",
    [
        {"name": "a"},
        {"name": "0_-" + "z" * 60},
        {"name": "jiraURL"},
        {"name": "aws.accessKeyID"},
        {"name": "aws__My Account"},
        {"name": "A" * 253},
        {"name": "a."},
        {"name": "a", "key": "PASSWORD"},
        {"name": "a", "key": ".dockerconfigjson"},
        {"name": "a", "key": "..data"},
        {"name": "a", "key": "x" * 253, "workflow": "build"},
    ],
)
def test_what_may_be_a_place(place: dict[str, str]) -> None:
    secret.check(SecretPlace(namespace=DEFAULT_NAMESPACE, **place))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ({"name": ""}, '"" is not the name of a secret'),
        ({"name": " a"}, "name of a secret"),
        ({"name": "a "}, "name of a secret"),
        ({"name": ".a"}, "name of a secret"),
        ({"name": ".."}, "name of a secret"),
        ({"name": "a/b"}, '"a/b" is not the name of a secret'),
        ({"name": "a\tb"}, "name of a secret"),
        ({"name": "ä"}, "name of a secret"),
        ({"name": "a\n"}, "name of a secret"),
        ({"name": "-a"}, "name of a secret"),
        ({"name": "a" * 254}, "name of a secret"),
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
def test_what_may_not(place: dict[str, str], message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as error:
        secret.check(SecretPlace(namespace=DEFAULT_NAMESPACE, **place))
    assert error.value.remedy


@pytest.mark.parametrize(
    ("place", "command"),
    [
        ({}, "ensue secret set a < FILE"),
        ({"key": "user", "namespace": Namespace("team")}, "ensue secret set a user -n team < FILE"),
        ({"workflow": "build"}, "ensue secret set a --workflow build < FILE"),
        ({"name": "aws.accessKeyID"}, "ensue secret set aws.accessKeyID < FILE"),
        ({"name": "aws__My Account", "key": "id"}, "ensue secret set 'aws__My Account' id < FILE"),
    ],
)
def test_the_command_that_sets_a_secret_names_all_of_its_place(place: dict[str, Any], command: str) -> None:
    assert secret.setting(SecretPlace(**{"namespace": DEFAULT_NAMESPACE, "name": "a", **place})) == command


@pytest.mark.parametrize(
    ("type", "name", "kept"),
    [
        ("aws", "prod", ("aws__prod",)),
        ("aws", "My-Account", ("aws__My-Account", "aws__my-account")),
        ("AWS", "prod", ("AWS__prod", "aws__prod")),
        ("aws", "My Account", ("aws__My Account",)),
        ("aws", "a__B", ("aws__a__B", "aws__a__b")),
        ("aws", "_x", ("aws___x",)),
        ("aws_", "x", ("aws_/x",)),
        ("aws__a", "B", ("aws__a/B",)),
        ("aws", "a/b", ("aws/a/b",)),
        ("..", "x", ("../x",)),
    ],
)
def test_a_connection_is_kept_as_it_is_written_and_found_as_it_was_kept(
    type: str, name: str, kept: tuple[str, ...]
) -> None:
    assert secret.of_connection(type, name) == kept


PARTS = st.text(alphabet="aB_.- /", max_size=4)


@given(PARTS, PARTS, PARTS, PARTS)
def test_no_two_connections_are_kept_under_one_name_as_they_are_written(a: str, b: str, c: str, d: str) -> None:
    one, other = secret.of_connection(a, b)[0], secret.of_connection(c, d)[0]
    assert one != other or (a, b) == (c, d) or not secret.is_name(one)


@given(st.from_regex(NAME_PATTERN, fullmatch=True))
def test_what_could_name_a_secret_before_still_can(name: str) -> None:
    assert secret.is_name(name)
