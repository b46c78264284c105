"""What is nothing but a field of the event, and is not there."""

import pytest

from ensue.expr import relay
from ensue.expr.interface import Mapped
from ensue.model.values import Json
from tests.expr.relay.trees import NOW

EVENT: Json = {"a": {"b": None}, "list": [1], "text": "x", "null": None}
SCOPE = Mapped(roots={"event": EVENT}, now=NOW)


def data(query: Json, **more: Json) -> Json:
    return {"$type": "Data", "query": query, **more}


@pytest.mark.parametrize(
    ("document", "field"),
    [
        (data("none"), "none"),
        (data("a.none"), "a.none"),
        (data("none.b.c"), "none.b.c"),
        (data("list[1].x"), "list.1.x"),
        (data("$.none"), "none"),
        (data("none", name="event"), "none"),
        ("${event.none}", "none"),
        ("${event.a.none}", "a.none"),
        ("${event['no-ne']}", "no-ne"),
        # What is there, null too, is not lacking.
        (data("a"), ""),
        (data("null"), ""),
        ("${event.a.b}", ""),
        # A mistake is not lacking either.
        (data("text.b"), ""),
        ("${event.null.b}", ""),
        (data("list.b"), ""),
        (data("a."), ""),
        ("${event.", ""),
        (data(data("none")), ""),
        # Nor is what is more than a field, or of another root.
        (data("none", name="other"), ""),
        ("x ${event.none}", ""),
        ("${event.none}${event.none}", ""),
        ("${event.none || true}", ""),
        ("${toString(event.none)}", ""),
        ("${event[event.none]}", ""),
        ("${event}", ""),
        ("${none}", ""),
        ("${parameters.none}", ""),
        ({"$fn.concat": [data("none")]}, ""),
        ([data("none")], ""),
        ({"a": data("none")}, ""),
        ("none", ""),
        (1, ""),
    ],
)
def test_only_a_field_alone_that_the_event_has_not_is_lacking(document: Json, field: str) -> None:
    assert relay.lacking(document, SCOPE, relay.RELAY) == field
