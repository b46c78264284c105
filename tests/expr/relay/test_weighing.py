"""Why a condition of relay's decided: its parts, with the values that they looked at."""

# ruff: noqa: E501 (tables)

import pytest

from ensue.expr import relay
from ensue.expr.interface import ABSENT, Absent, Mapped
from ensue.expr.relay import weighing
from ensue.model.values import Json
from tests.expr.relay.trees import NOW

SCOPE = Mapped(roots={"event": {"kind": "boring", "n": 3, "ok": True}}, now=NOW)
KIND: Json = {"$type": "Data", "query": "kind"}
NONE: Json = {"$type": "Data", "query": "none"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ({"$fn.equals": [KIND, "x"]}, [("!Fn.equals [!Data kind, x]", {"!Data kind": "boring"})]),
        ({"$fn.equals": ["${event.n}", 3]}, [("!Fn.equals ['${event.n}', 3]", {"${event.n}": 3})]),
        ({"$fn.equals": [KIND, NONE]}, [("!Fn.equals [!Data kind, !Data none]", {"!Data kind": "boring", "!Data none": ABSENT})]),
        ({"$fn.exists": KIND}, [("!Fn.exists !Data kind", {"!Data kind": "boring"})]),
        ({"$fn.path": {"object": "${event}", "query": "n"}}, [("!Fn.path {object: '${event}', query: n}", {"${event}": {"kind": "boring", "n": 3, "ok": True}})]),
        (KIND, [("!Data kind", {"!Data kind": "boring"})]),
        (False, [("false", {})]),
        ("${event.ok}", [("event.ok", {"event.ok": True})]),
        ("${event.n > 2 && event.kind == 'x'}", [("event.kind == 'x'", {"event.kind": "boring"})]),
        ("plain", [("plain", {})]),
        ([True, KIND], [("[true, !Data kind]", {"[true, !Data kind]": [True, "boring"]})]),
    ],
)  # fmt: skip
def test_a_condition_shows_itself_and_what_it_looked_at(
    condition: Json, expected: list[tuple[str, dict[str, Json | Absent]]]
) -> None:
    found = relay.because(condition, SCOPE, relay.RELAY)
    assert [(clause.text, dict(clause.values)) for clause in found] == expected


def test_a_long_one_is_cut() -> None:
    (clause,) = relay.because({"$fn.equals": [KIND, "x" * 9000]}, SCOPE)
    assert len(clause.text) == weighing.MOST_SHOWN + 1
