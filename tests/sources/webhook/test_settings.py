"""The settings of a webhook, as its owner writes them."""

import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import ValidationError

from ensue.model.definition import SecretKey
from ensue.sources.webhook import Settings
from ensue.sources.webhook.presets import PRESETS
from ensue.sources.webhook.settings import Preset, Verify
from tests.sources.webhook.sending import NAME, settings


def test_the_form_of_the_manual_is_understood() -> None:
    given = Settings.model_validate({"path": "github", "verify": {"type": "github", "secret": NAME}})
    assert given.verify.secrets == (SecretKey(name="hook", key="secret"),)
    assert given.sender == "github"
    assert not given.verify.reject_repeated_body


def test_former_secrets_are_taken_while_the_sender_changes() -> None:
    given = settings("github", _formerSecrets=[{"name": "old"}], _rejectRepeatedBody=True)
    assert [each.name for each in given.verify.secrets] == ["hook", "old"]
    assert given.verify.reject_repeated_body


@pytest.mark.parametrize(
    ("type_", "preset", "sender"),
    [("github", None, "github"), ("slack", None, "slack"), ("none", None, "generic"), ("none", "gitea", "gitea"),
     ("github", "generic", "generic")],
)  # fmt: skip
def test_the_preset_is_that_of_the_signature_unless_it_is_named(type_: str, preset: str | None, sender: str) -> None:
    assert settings(type_, preset=preset).sender == sender


def test_every_preset_that_can_be_named_exists() -> None:
    assert set(PRESETS) == set(get_args(Preset))


def test_every_preset_verification_and_setting_has_its_place_on_the_page() -> None:
    page = (Path(__file__).parents[3] / "docs" / "sources.md").read_text(encoding="utf-8")
    rows = " ".join(re.findall(r"^\| (`[^|\n]*) \|", page, re.MULTILINE))
    kinds = [
        name for model in get_args(get_args(Verify)[0]) for name in get_args(model.model_fields["type"].annotation)
    ]
    fields = [field.alias or name for name, field in Settings.model_fields.items()]
    assert [name for name in (*PRESETS, *kinds, *fields) if f"`{name}`" not in rows] == []
    assert "type: hmac" in page


def test_settings_survive_being_written_out() -> None:
    given = settings("hmac", _header="X-Sig", maxBytes="1Mi", redact=["/a~1b"], contentTypes=["Text/*"])
    assert Settings.model_validate(given.model_dump(mode="json")) == given


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"path": "a/b"}, "path"),
        ({"path": ""}, "path"),
        ({"path": ".."}, "clients take . and .. out"),
        ({"path": "a\n"}, "path"),
        ({"verify": {"type": "github"}}, "secret"),
        ({"verify": {"type": "magic"}}, "does not match any of the expected tags"),
        ({"verify": {}}, "Unable to extract tag"),
        ({"verify": {"type": "github", "secret": NAME, "tolerance": "1m"}}, "tolerance"),
        ({"verify": {"type": "slack", "secret": NAME, "tolerance": "0s"}}, "greater than 0"),
        ({"verify": {"type": "none", "secret": NAME}}, "secret"),
        ({"verify": {"type": "token", "secret": NAME}}, "either in a header or in a query parameter"),
        ({"verify": {"type": "token", "secret": NAME, "header": "a", "query": "b"}}, "either in a header"),
        ({"verify": {"type": "token", "secret": NAME, "header": "a b"}}, "header"),
        ({"verify": {"type": "basic", "secret": NAME, "username": "a:b"}}, "username"),
        ({"verify": {"type": "hmac", "secret": NAME, "header": "a", "algorithm": "md5"}}, "algorithm"),
        ({"verify": {"type": "hmac", "secret": NAME, "header": "a", "content": "x"}}, "{body} exactly once"),
        ({"verify": {"type": "hmac", "secret": NAME, "header": "a", "timestampHeader": "b"}}, "belong together"),
        ({"verify": {"type": "hmac", "secret": NAME, "header": "a", "content": "{id}{body}"}}, "belong together"),
        ({"maxBytes": "26Mi"}, "less than or equal to 26214400"),
        ({"maxBytes": 0}, "greater than or equal to 1"),
        ({"contentTypes": ["json"]}, "not a content type"),
        ({"redact": ["token"]}, "not a place in the payload"),
        ({"redact": ["data."]}, "not a place in the payload"),
        ({"redact": ["data..a"]}, "not a place in the payload"),
        ({"redact": ["database"]}, "not a place in the payload"),
        ({"eventType": "a b"}, "eventType"),
        ({"preset": "nobody"}, "preset"),
        ({"secret": "x"}, "secret"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_with_its_place(given: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate({"path": "p", "verify": {"type": "none"}, **given})
    assert told in str(caught.value)
