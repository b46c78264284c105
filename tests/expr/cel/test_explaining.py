"""Which clauses decided, with what they looked at."""

from typing import Any

import pytest

from ensue.expr import cel
from ensue.expr.interface import ABSENT, Clause, Code, Error, Limits, Mapped, Needs, Value
from tests.expr.cel import evaluating

EVENT: dict[str, Any] = {"type": "push", "n": 3, "l": [1, 2, 3], "data": {"ref": "main"}, "ok": False}


def because(text: str) -> list[tuple[str, dict[str, Any], str]]:
    program = cel.compile(text)
    scope = Mapped({"event": EVENT}, evaluating.NOW)
    explanation = program.explain(scope)
    assert explanation.result == program.evaluate(scope)
    assert all(text[clause.position :].startswith(clause.text) for clause in explanation.because)
    return [(clause.text, dict(clause.values), clause.message) for clause in explanation.because]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("event.type == 'a'", [("event.type == 'a'", {"event.type": "push"})]),
        ("'a' == event.type", [("'a' == event.type", {"event.type": "push"})]),
        ("event.ok", [("event.ok", {"event.ok": False})]),
        (
            "event.type == 'push' && event.n == 4 && event.data.ref == 'dev'",
            [("event.n == 4", {"event.n": 3}), ("event.data.ref == 'dev'", {"event.data.ref": "main"})],
        ),
        (
            "event.type == 'a' || event.n > 5",
            [("event.type == 'a'", {"event.type": "push"}), ("event.n > 5", {"event.n": 3})],
        ),
        (
            "event.n == 3 && (event.type == 'a' || event.type == 'b' && event.n == 3)",
            [("event.type == 'a'", {"event.type": "push"}), ("event.type == 'b'", {"event.type": "push"})],
        ),
        ("event.n == 3 || event.type == 'a'", [("event.n == 3", {"event.n": 3})]),
        ("event.type == 'a' && event.zz", [("event.type == 'a'", {"event.type": "push"})]),
        ("!(event.n == 3)", [("!(event.n == 3)", {"event.n": 3})]),
        ("!event.data.ref.startsWith('ma')", [("!event.data.ref.startsWith('ma')", {"event.data.ref": "main"})]),
        ("!(event.n == 3 && event.type == 'push')",
         [("event.n == 3", {"event.n": 3}), ("event.type == 'push'", {"event.type": "push"})]),
        ("event.l.exists(x, x > 5)", [("event.l.exists(x, x > 5)", {"event.l.size()": 3})]),
        ("event.l.all(i, x, x > i + 1)", [("event.l.all(i, x, x > i + 1)", {"event.l.size()": 3})]),
        ("has(event.zz)", [("has(event.zz)", {"event.zz": ABSENT})]),
        ("has(event.data.zz) || has(event.foo)",
         [("has(event.data.zz)", {"event.data.zz": ABSENT}), ("has(event.foo)", {"event.foo": ABSENT})]),
        ("event.n == event.l[0]", [("event.n == event.l[0]", {"event.n": 3, "event.l[0]": 1})]),
        ("event.type in ['a', 'b']", [("event.type in ['a', 'b']", {"event.type": "push"})]),
        ("event.type.matches('^a')", [("event.type.matches('^a')", {"event.type": "push"})]),
        ("math.greatest(event.n, 2) == 5", [("math.greatest(event.n, 2) == 5", {"math.greatest(event.n, 2)": 3})]),
        ("event.n == 3 ? event.ok : true", [("event.n == 3", {"event.n": 3}), ("event.ok", {"event.ok": False})]),
        ("cel.bind(r, event.data.ref, r == 'a' || r == 'main' && event.n == 4)",
         [("r == 'a'", {"r": "main"}), ("event.n == 4", {"event.n": 3})]),
    ],
)  # fmt: skip
def test_the_smallest_clauses_are_named(text: str, clauses: list[tuple[str, dict[str, Any]]]) -> None:
    assert because(text) == [(*clause, "") for clause in clauses]


@pytest.mark.parametrize(
    ("text", "clauses"),
    [
        ("event.zz == 1", [("event.zz == 1", {"event.zz": ABSENT}, "no such key: zz")]),
        ("event.n == 3 && event.zz == 1", [("event.zz == 1", {"event.zz": ABSENT}, "no such key: zz")]),
        ("event.ok || event.n + 'a' == ''",
         [("event.n + 'a' == ''", {"event.n + 'a'": ABSENT}, "no such overload: int + string")]),
        ("event.n && true", [("event.n", {"event.n": 3}, "")]),
        ("cel.bind(x, event.zz, x == 1)", [("x == 1", {"x": ABSENT}, "no such key: zz")]),
        ("event.n.exists(x, x)",
         [("event.n.exists(x, x)", {"event.n": 3}, "exists walks through a list or a map, not int")]),
    ],
)  # fmt: skip
def test_the_failing_clause_is_named(text: str, clauses: list[tuple[str, dict[str, Any], str]]) -> None:
    assert because(text) == clauses


def test_what_does_not_compile_has_no_clauses() -> None:
    explanation = cel.compile("1 +").explain(Mapped({}, evaluating.NOW))
    assert isinstance(explanation.result, Error)
    assert explanation.because == ()


def test_what_waits_for_data_has_no_clauses() -> None:
    scope = Mapped({"secrets": {}}, evaluating.NOW, frozenset({"secrets"}))
    assert cel.compile("secrets.a == 1").explain(scope).result == Needs(frozenset({("secrets",)}))


def test_an_explanation_stays_within_the_budget() -> None:
    scope = Mapped({"event": {"l": list(range(100))}}, evaluating.NOW)
    text = " || ".join(["event.l.map(x, x).size() > 100"] * 9)
    program = cel.compile(text, Limits(steps=1_000))
    explanation = program.explain(scope)
    assert explanation.result == Value(False)
    assert explanation.because == ()
    full = cel.compile(text).explain(scope)
    assert full.because[0] == Clause("event.l.map(x, x).size() > 100", 0, (("event.l.map(x, x).size()", 100),))


@pytest.mark.parametrize(
    ("opening", "closing"),
    [("true && (false || ", ")"), ("event.n == 3 ? ", " : true"), ("cel.bind(x, event.n, ", ")")],
)
def test_what_is_nested_is_evaluated_once(opening: str, closing: str) -> None:
    inner = "event.l.exists(x, x > 5)"
    text = opening * 30 + inner + closing * 30
    explanation = cel.compile(text, Limits(steps=200)).explain(Mapped({"event": EVENT}, evaluating.NOW))
    assert inner in [clause.text for clause in explanation.because]


def test_a_text_beyond_the_budget_is_explained_by_it() -> None:
    scope = Mapped({"event": {"l": list(range(100))}}, evaluating.NOW)
    explanation = cel.compile("event.l.all(x, x >= 0)", Limits(steps=50)).explain(scope)
    assert isinstance(explanation.result, Error)
    assert explanation.result.code is Code.LIMIT
