"""What a run that an event started may compute."""

from typing import Any

import pytest

from ensue.core import allowing
from ensue.model.values import Json
from tests.core.playing import workflow

REFUSED = "is computed in a run that an event started, and no pattern of spec.allow."


def refusal(step: dict[str, Any], image: str | None, inputs: dict[str, Json], **allow: list[str]) -> str:
    made = workflow([{"name": "a", **step}], allow=allow)
    return allowing.refusal(made, made.spec.steps[0], image, inputs)


@pytest.mark.parametrize(
    ("written", "image", "allow", "is_refused"),
    [
        ("alpine", "alpine", [], False),
        ("alpine:$${x}", "alpine:${x}", [], False),
        ("${event.data.image}", "evil", [], True),
        ("${parameters.image}", "evil", [], True),
        ("${outputs.a.image}", "alpine:3", ["alpine:*"], False),
        ("${$['event'].data.image}", "evil", [], True),
        ("build:${event.data.tag}", "build:1", ["other:*", "build:?"], False),
        ("build:${event.data.tag}", "build:12", ["build:?"], True),
    ],
)
def test_a_computed_image_needs_a_pattern(written: str, image: str, allow: list[str], is_refused: bool) -> None:
    found = refusal({"image": written, "run": None}, image, {}, images=allow)
    assert found == (f"the image {image} {REFUSED}images allows it" if is_refused else "")


@pytest.mark.parametrize(("kind", "field"), [("http", "url"), ("emit", "sink")])
@pytest.mark.parametrize(
    ("written", "is_refused"),
    [
        ("https://example.org/hook", False),
        ("${secrets.chat}", False),
        ("${connections.chat.ours.url}/${secrets.path}", False),
        ("${event.data.url}", True),
        ("${secrets.chat}${event.data.path}", True),
        ("${secrets[event.data.name]}", True),
        ({"$type": "Parameter", "name": "url"}, True),
    ],
)
def test_a_computed_url_needs_a_pattern_unless_it_is_the_namespaces_own(
    kind: str, field: str, written: Json, is_refused: bool
) -> None:
    step = {"type": kind, "run": None, "with": {field: written, "json": "${event.data.text}"}}
    found = refusal(step, None, {field: "https://ann:pw@example.org/hook?key=x#y", "json": "text"})
    assert found == (f"the URL https://example.org/hook {REFUSED}urls allows it" if is_refused else "")


@pytest.mark.parametrize(
    ("url", "pattern", "fits"),
    [
        ("https://example.org/a/b", "https://example.org/*", True),
        ("https://example.org", "https://example.org/*", False),
        ("https://evil.example/?https://example.org/", "https://example.org/*", False),
        ("https://a.example.org/x", "https://*.example.org/*", True),
        ("https://evil.example/a.example.org/x", "https://*.example.org/*", False),
        ("https://evil.example?a.example.org/x", "https://*.example.org/*", False),
        ("https://evil.example#a.example.org/x", "https://*.example.org/*", False),
        ("https://example.org:8443/x", "https://example.org:*/*", True),
        ("https://example.org:x@evil.example/x", "https://example.org:*/*", False),
        ("https://ann@example.org/x", "https://ann@example.org/*", True),
        ("http://example.org/x", "https://example.org/*", False),
        ("https://evil.example/", "*", True),
    ],
)
def test_a_pattern_of_urls_never_reaches_from_the_host_into_the_path(url: str, pattern: str, fits: bool) -> None:
    assert allowing.is_url(url, [pattern]) == fits
