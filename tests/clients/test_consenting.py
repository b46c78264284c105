"""The handshake of CloudEvents' webhooks."""

from typing import Any

import pytest

from ensue.clients import consenting
from ensue.model.errors import Denied, InvalidInput
from ensue.model.rate import Rate

ORIGIN = "events.example.org"


def answer(origins: tuple[str, ...] = (ORIGIN,), own: Any = None, **asked: str) -> dict[str, str]:
    headers = {"webhook-request-origin": ORIGIN, **{f"webhook-request-{name}": value for name, value in asked.items()}}
    return consenting.consent(headers, origins, own and Rate.model_validate(own))


@pytest.mark.parametrize(
    ("rate", "asked", "allowed"),
    [
        (None, {}, None),
        (None, {"rate": "120"}, "*"),
        ("100/1s", {}, "6000"),
        ("100/1s", {"rate": "120"}, "120"),
        ("1/m", {"rate": "120"}, "1"),
        ("1/m", {"rate": "120", "callback": "https://events.example.org/grant"}, "1"),
    ],
)
def test_consent_names_the_origin_and_a_rate_where_there_is_one_or_one_was_asked_for(
    rate: Any, asked: dict[str, str], allowed: str | None
) -> None:
    found = answer((ORIGIN,), rate, **asked)
    assert (found["WebHook-Allowed-Origin"], found["Allow"]) == (ORIGIN, "POST")
    assert found.get("WebHook-Allowed-Rate") == allowed


@pytest.mark.parametrize("origins", [("*",), ("EVENTS.example.org",), ("other", ORIGIN)])
def test_an_origin_is_listed_by_its_name_in_any_case_or_by_a_star(origins: tuple[str, ...]) -> None:
    assert answer(origins)["WebHook-Allowed-Origin"] == ORIGIN


@pytest.mark.parametrize("origins", [(), ("example.org",), ("events.example",)])
def test_another_origin_gets_no_consent(origins: tuple[str, ...]) -> None:
    with pytest.raises(Denied, match=ORIGIN):
        answer(origins)


@pytest.mark.parametrize("asked", [{"origin": ""}, {"origin": "a b"}, {"origin": "*"}, {"origin": "x\r\nSet-Cookie: a"},
                                   {"rate": "0"}, {"rate": "-1"}, {"rate": "many"}, {"rate": "²"}])  # fmt: skip
def test_a_question_that_cannot_be_understood_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        answer(("*",), **asked)
