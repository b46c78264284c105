"""Gating: the `when` of a trigger of relay's decides about the event, before there is a run."""

# ruff: noqa: E501 (tables)

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import checking_triggers, deciding, gating, ruling
from ensue.core.deciding import Proposal, Rule
from ensue.model.decision import Conclusion, Reason
from ensue.model.event import DataForm, Event
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE, Json

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRED, NOT, UNDECIDED = Conclusion.FIRED, Conclusion.NOT_FIRED, Conclusion.UNDECIDED
KIND: Json = {"$type": "Data", "query": "kind"}
INTERESTING: Json = {"$fn.notEquals": [KIND, "boring"]}


def trigger(*when: Json, version: str = "relay.sh/v1beta1", **given: Any) -> Trigger:
    action = {"name": "start", "workflow": "w", "when": list(when)}
    spec = {"sources": [{"name": "events", "type": "events"}], "actions": [action], **given}
    return Trigger.model_validate({"apiVersion": version, "metadata": {"name": "t"}, "spec": spec})


def rule(*when: Json, **given: Any) -> Rule:
    return deciding.compile(trigger(*when, **given), "uid", 1)


def event(data: Json = None, **given: Any) -> Event:
    fixed = {"namespace": DEFAULT_NAMESPACE, "uid": "u", "id": "1", "source": "/s", "type": "t", "time": NOW}
    return Event(**{**fixed, "data": data, **given})


def proposed(one: Rule, happened: Event) -> Proposal:
    ((_, found),) = ruling.rule_by([one]).propose(happened, NOW)
    return found


@pytest.mark.parametrize(
    ("when", "data", "conclusion", "error"),
    [
        ([INTERESTING], {"kind": "x"}, FIRED, ""),
        ([INTERESTING], {"kind": "boring"}, NOT, ""),
        ([INTERESTING], {}, UNDECIDED, 'path "0": could not evaluate a Data type: path "kind": unknown key kind'),
        (["${event.kind == 'x'}"], {}, UNDECIDED, 'evaluating template "${": path "event.kind": unknown key kind at character 3'),
        ([KIND], {"kind": True}, FIRED, ""),
        ([KIND], {"kind": "true"}, UNDECIDED, 'the filter gives "true", neither true nor false'),
        ([KIND], {"kind": None}, UNDECIDED, "the filter gives null, neither true nor false"),
        ([True, INTERESTING], {"kind": "boring"}, NOT, ""),
        (["${event.none}", INTERESTING], {"kind": "boring"}, NOT, ""),
        ([INTERESTING, "${event.none}"], {"kind": "x"}, UNDECIDED, 'evaluating template "${": path "event.none": unknown key none at character 3'),
        (["${now() == event.kind}"], {"kind": "x"}, NOT, ""),
        ([False], {}, NOT, ""),
    ],
)  # fmt: skip
def test_a_condition_decides_as_a_filter_does(when: list[Json], data: Json, conclusion: Conclusion, error: str) -> None:
    found = proposed(rule(*when), event(data))
    assert (found.conclusion, found.verdict.error) == (conclusion, error)
    assert found.reason is {FIRED: Reason.NONE, NOT: Reason.FILTER, UNDECIDED: Reason.FILTER_FAILED}[conclusion]


def test_the_condition_that_decided_is_told_with_what_it_compared() -> None:
    no = proposed(rule(True, INTERESTING, "${event.none}"), event({"kind": "boring"})).verdict
    assert [(one.text, dict(one.values)) for one in no.because] == [
        ("!Fn.notEquals [!Data kind, boring]", {"!Data kind": "boring"})
    ]
    yes = proposed(rule("${event.n == 1}", INTERESTING), event({"kind": "x", "n": 1})).verdict
    assert [one.text for one in yes.because] == ["event.n == 1", "!Fn.notEquals [!Data kind, boring]"]


def test_a_filter_is_asked_first_and_finds_the_candidates() -> None:
    one = rule(INTERESTING, filter={"cel": 'event.type == "t" && event.data.n == 1'})
    assert one.candidate.clauses == {
        ("event", "type"): frozenset({("string", "t")}),
        ("event", "data", "n"): frozenset({("number", 1)}),
    }
    assert list(ruling.rule_by([one]).propose(event({"n": 2}), NOW)) == []
    assert proposed(one, event({"n": 1, "kind": "boring"})).conclusion is NOT
    assert proposed(one, event({"n": 1, "kind": "x"})).conclusion is FIRED
    told = ruling.explain(one, event({"n": 2, "kind": "boring"}), NOW).verdict
    assert [clause.text for clause in told.because] == ["event.data.n == 1"]
    assert rule(INTERESTING, filter={"cel": "1 +"}).problem


def test_a_key_is_not_asked_where_the_condition_is_false() -> None:
    one = rule(INTERESTING, dedupe={"key": "event.data.id", "for": "1m"})
    assert proposed(one, event({"kind": "boring"})).conclusion is NOT
    assert proposed(one, event({"kind": "x"})).conclusion is UNDECIDED


@pytest.mark.parametrize(
    ("form", "data"), [(DataForm.TEXT, "hello"), (DataForm.BASE64, "AAE="), (DataForm.NONE, None), (DataForm.JSON, {})]
)
def test_what_is_no_json_has_no_fields(form: DataForm, data: Json) -> None:
    found = proposed(rule({"$fn.exists": ["${event.kind}"]}), event(data, data_form=form))
    assert found.conclusion is NOT


@pytest.mark.parametrize(
    ("made", "is_gated"),
    [
        (trigger(INTERESTING), True),
        (trigger(), False),
        (trigger("${event.data.ok}", version="ensue.dev/v1alpha1"), False),
        (trigger(INTERESTING, {"$fn.equals": [KIND, {"$type": "Secret", "name": "s"}]}), False),
        (trigger("${event.kind == connections.a.b.c}"), False),
        (trigger({"$type": "Parameter", "name": "p"}), False),
        (trigger("${run.name == 'x'}"), False),
        (trigger({"$type": "Answer", "askRef": "a", "name": "b"}), False),
        (trigger(actions=[{"name": "a", "workflow": "w", "when": [True]}, {"name": "b", "workflow": "w"}]), False),
        (trigger(actions=[{"name": "a", "workflow": "w", "when": [True], "timeout": "1m"}]), False),
    ],
)
def test_only_what_starts_one_workflow_and_reads_the_event_alone_is_gated(made: Trigger, is_gated: bool) -> None:
    one = deciding.compile(made, "uid", 1)
    assert isinstance(one.candidate.filter, gating.Gate) == is_gated
    assert (one.start is not None) == (is_gated or not made.spec.actions[0].when)


def test_a_gate_is_filter_enough_to_see_only_what_is_meant() -> None:
    assert [one.severity.value for one in checking_triggers.hints(trigger())] == ["hint"]
    assert list(checking_triggers.hints(trigger(INTERESTING))) == []


CONDITIONS = st.lists(st.sampled_from([True, False, INTERESTING, KIND, "${event.n > 1}"]), min_size=1, max_size=4)
DATA = st.fixed_dictionaries({}, optional={"kind": st.sampled_from(["x", "boring", True]), "n": st.integers(0, 3)})


@given(CONDITIONS, DATA)
def test_together_they_decide_as_each_alone(when: list[Json], data: dict[str, Json]) -> None:
    alone = {proposed(rule(one), event(data)).conclusion for one in when}
    expected = next(one for one in (NOT, UNDECIDED, FIRED) if one in alone)
    assert proposed(rule(*when), event(data)).conclusion is expected
