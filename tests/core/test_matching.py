"""Matching: the index finds every trigger that says yes, and verdicts say why."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import matching
from ensue.core.matching import Candidate, Index
from ensue.expr import cel
from ensue.expr import indexing as clausal
from ensue.expr.cel import indexing
from ensue.expr.indexing import Clauses
from ensue.expr.interface import Mapped
from ensue.model.decision import Answer, Clause, Verdict
from ensue.model.values import Json

NOW = datetime(2026, 1, 1, tzinfo=UTC)
SCALARS: st.SearchStrategy[Any] = st.sampled_from(["a", "b", 1, 2, True, 1.0, None])


def trigger(uid: str, text: str | None = None, *sources: str) -> Candidate:
    if text is None:
        return Candidate(uid=uid, sources=frozenset(sources or ["s"]))
    clauses = indexing.clauses(text)
    return Candidate(uid=uid, sources=frozenset(sources or ["s"]), filter=cel.compile(text), clauses=clauses)


def found(triggers: list[Candidate], event: dict[str, Json], source: str = "s") -> list[str]:
    return sorted(one.uid for one in Index(triggers).candidates(source, {"event": event}))


def judged(text: str, event: dict[str, Json]) -> Verdict:
    return matching.judge(trigger("t", text), Mapped(roots={"event": event}, now=NOW))


def test_a_trigger_sees_only_events_of_its_sources() -> None:
    triggers = [trigger("one", None, "s"), trigger("two", None, "other"), trigger("both", None, "s", "other")]
    assert found(triggers, {}) == ["both", "one"]
    assert found(triggers, {}, "other") == ["both", "two"]
    assert found(triggers, {}, "none") == []


def test_only_triggers_whose_clauses_hold_are_candidates() -> None:
    triggers = [
        trigger("push-main", 'event.type == "push" && event.data.ref == "main"'),
        trigger("push-any", 'event.type == "push"'),
        trigger("either", 'event.type in ["push", "tag"]'),
        trigger("true", "event.data.ok == true"),
        trigger("one", "event.data.ok == 1"),
        trigger("unknown", "event.type.startsWith('p')"),
        trigger("never", 'event.type == "a" && event.type == "b"'),
    ]
    assert found(triggers, {"type": "push", "data": {"ref": "main", "ok": True}}) == [
        "either",
        "push-any",
        "push-main",
        "true",
        "unknown",
    ]
    assert found(triggers, {"type": "tag", "data": {"ok": 1.0}}) == ["either", "one", "unknown"]
    assert found(triggers, {}) == ["unknown"]


def test_a_trigger_found_twice_is_one_candidate() -> None:
    assert found([trigger("t", 'event.type in ["a", "a"] && event.id in ["a", "b"]')], {"type": "a", "id": "b"}) == [
        "t"
    ]


def test_a_thousand_triggers_that_cannot_match_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    index = Index([trigger(str(number), f'event.type == "push" && event.data.n == {number}') for number in range(1000)])
    looks: list[Clauses] = []
    hold = clausal.hold

    def counted(clauses: Clauses, roots: dict[str, Json]) -> bool:
        looks.append(clauses)
        return hold(clauses, roots)

    monkeypatch.setattr(clausal, "hold", counted)
    event: dict[str, Json] = {"type": "push", "data": {"n": 7}}
    assert [one.uid for one in index.candidates("s", {"event": event})] == ["7"]
    assert len(looks) == 1


@pytest.mark.parametrize(
    ("text", "answer", "because"),
    [
        ('event.type == "push"', Answer.YES, (Clause(text='event.type == "push"', values={"event.type": "push"}),)),
        (
            'event.type == "push" && event.n > 5',
            Answer.NO,
            (Clause(text="event.n > 5", values={"event.n": 3}),),
        ),
        ("event.nothing == 1", Answer.COULD_NOT_TELL, (Clause(text="event.nothing == 1"),)),
        ('event.type + "x"', Answer.COULD_NOT_TELL, None),
        ("event.type ==", Answer.COULD_NOT_TELL, None),
    ],
)
def test_a_verdict_says_which_clause_decided(text: str, answer: Answer, because: tuple[Clause, ...] | None) -> None:
    verdict = judged(text, {"type": "push", "n": 3})
    assert verdict.answer is answer
    assert because is None or verdict.because == because
    assert bool(verdict.error) is (answer is Answer.COULD_NOT_TELL)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("x" * matching.MOST_SHOWN, "x" * matching.MOST_SHOWN),
        ("x" * 1_000_000, "x" * matching.MOST_SHOWN + matching.CUT),
        (["x" * 1_000_000], '["' + "x" * (matching.MOST_SHOWN - 2) + matching.CUT),
        ({"ü": [1, 2]}, {"ü": [1, 2]}),
        ({str(number): number for number in range(1000)}, None),
        (10**15, 10**15),
    ],
)
def test_a_clause_keeps_the_beginning_of_a_long_value(value: Json, shown: Json) -> None:
    ((clause,), (kept,)) = (verdict := judged("event.v == 0", {"v": value})).because, verdict.because[0].values.values()
    assert (verdict.answer, clause.text) == (Answer.NO, "event.v == 0")
    if shown is None:
        assert isinstance(kept, str)
        assert (len(kept), kept[-len(matching.CUT) :]) == (matching.MOST_SHOWN + len(matching.CUT), matching.CUT)
    else:
        assert kept == shown


def test_a_trigger_without_a_filter_wants_everything() -> None:
    assert matching.judge(trigger("t"), Mapped(roots={}, now=NOW)) == matching.EVERYTHING


CLAUSE = st.tuples(st.sampled_from(["event.a", "event.b", "event.data.c"]), SCALARS).map(
    lambda pair: f"{pair[0]} == {str(pair[1]).lower() if not isinstance(pair[1], str) else repr(pair[1])}".replace(
        "none", "null"
    )
)
FILTERS = st.recursive(
    CLAUSE,
    lambda inner: st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda three: f"({' '.join(three)})"),
    max_leaves=5,
)


@given(st.lists(FILTERS, max_size=6), SCALARS, SCALARS, SCALARS)
def test_the_index_hides_no_trigger_that_says_yes(filters: list[str], a: Json, b: Json, c: Json) -> None:
    triggers = [trigger(str(number), text) for number, text in enumerate(filters)]
    event: dict[str, Json] = {"a": a, "b": b, "data": {"c": c}}
    scope = Mapped(roots={"event": event}, now=NOW)
    yes = {one.uid for one in triggers if matching.judge(one, scope).answer is Answer.YES}
    assert yes <= set(found(triggers, event))
