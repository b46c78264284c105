"""Deciding: what a trigger makes of an event before its windows are asked, whatever the order."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ensue.core import deciding, matching, ruling
from ensue.core.deciding import MAX_DEPTH, MAX_ROUNDS, Rule
from ensue.expr.interface import Mapped
from ensue.model import event as events
from ensue.model.decision import Answer, Conclusion, Reason
from ensue.model.event import Cause, DataForm, Event
from ensue.model.trigger import Trigger
from ensue.model.values import DEFAULT_NAMESPACE, Json

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FIRED, NOT, UNDECIDED = Conclusion.FIRED, Conclusion.NOT_FIRED, Conclusion.UNDECIDED


def rule(name: str = "t", text: str | None = None, **spec: Any) -> Rule:
    given = {"sources": [{"name": "events", "type": "events"}], "actions": [{"name": "a", "run": "true"}], **spec}
    if text is not None:
        given["filter"] = {"cel": text}
    return deciding.compile(Trigger.model_validate({"metadata": {"name": name}, "spec": given}), f"uid-{name}", 1)


def event(data: Json = None, **given: Any) -> Event:
    fixed = {"namespace": DEFAULT_NAMESPACE, "uid": "u", "id": "1", "source": "/s", "type": "t", "time": NOW}
    return Event(**{**fixed, "data": data, **given})


def proposed(one: Rule, happened: Event, **given: Any) -> deciding.Proposal:
    scope = Mapped(roots=events.roots(happened), now=NOW)
    return deciding.propose(one, scope, happened.cause, {"uid-t": "t"}, **given)


@pytest.mark.parametrize(
    ("text", "data", "conclusion", "reason"),
    [
        (None, None, FIRED, Reason.NONE),
        ("event.data.n > 1", {"n": 2}, FIRED, Reason.NONE),
        ("event.data.n > 1", {"n": 1}, NOT, Reason.FILTER),
        ("event.data.n > 1", {}, UNDECIDED, Reason.FILTER_FAILED),
        ("event.data.n", {"n": 1}, UNDECIDED, Reason.FILTER_FAILED),
    ],
)
def test_could_not_tell_never_counts_as_yes(
    text: str | None, data: Json, conclusion: Conclusion, reason: Reason
) -> None:
    found = proposed(rule(text=text), event(data))
    assert (found.conclusion, found.reason) == (conclusion, reason)


def test_keys_are_told_apart_by_value_and_type() -> None:
    one = rule(dedupe={"key": "event.data", "for": "1m"}, throttle={"per": "1m"})
    values: list[Json] = [1, "1", 1.5, True, None, [1], {"a": 1}, "x" * 500, "x" * 501]
    keys = [proposed(one, event(value)).keys.dedupe for value in values]
    assert len(set(keys)) == len(values)
    assert proposed(one, event(1.0)).keys.dedupe == keys[0]
    assert all(len(key) <= deciding.MAX_KEY for key in keys)
    assert proposed(one, event(1)).keys.throttle == ""


def test_a_key_is_not_asked_when_the_filter_says_no_or_for_a_replay() -> None:
    one = rule(text="event.data.ok", dedupe={"key": "event.data.k", "for": "1m"})
    assert proposed(one, event({"ok": False})).conclusion is NOT
    assert proposed(one, event({"ok": True})).conclusion is UNDECIDED
    replayed = proposed(one, event({"ok": True}), is_replay=True)
    assert (replayed.conclusion, replayed.note, replayed.windows) == (FIRED, deciding.SKIPPED, deciding.NO_WINDOWS)


@pytest.mark.parametrize(
    ("triggers", "message"),
    [
        ((), ""),
        (("uid-t",) * MAX_ROUNDS, ""),
        (("uid-t", "other") * (MAX_ROUNDS + 1), f"it fired {MAX_ROUNDS + 1} times on the way to this event: t → other"),
        (tuple(str(number) for number in range(MAX_DEPTH)), ""),
        (tuple(str(number) for number in range(MAX_DEPTH + 1)), f"{MAX_DEPTH + 1} triggers fired one after the other"),
    ],
)
def test_a_chain_of_causes_that_comes_back_too_often_is_stopped(triggers: tuple[str, ...], message: str) -> None:
    found = proposed(rule(), event(cause=Cause(triggers=triggers)))
    assert found.note.startswith(message)
    assert bool(found.note) == bool(message) == (found.reason is Reason.LOOP)


def test_only_what_an_event_led_to_can_be_a_storm_and_a_return_is_one_sooner() -> None:
    one = rule(throttle={"per": "1m"})
    assert proposed(one, event()).windows.storm is None
    other = proposed(one, event(cause=Cause(triggers=("x",), root="r"))).windows
    again = proposed(one, event(cause=Cause(triggers=("x", "uid-t"), root="r"))).windows
    assert other.storm is not None
    assert again.storm is not None
    assert (other.storm.limit, again.storm.limit) == (deciding.MAX_FIRINGS, deciding.MAX_RETURNS)
    assert (other.storm.root, other.throttle) == ("r", one.windows.throttle)
    assert again.storm.note == "it fired 100 times for what event r led to: x → t"


def test_filters_of_other_forms_are_understood_or_break_the_trigger() -> None:
    exact = rule(filter={"all": [{"exact": {"type": "t"}}, {"cel": "event.data.n == 1"}]})
    assert (proposed(exact, event({"n": 1})).conclusion, proposed(exact, event({"n": 2})).conclusion) == (FIRED, NOT)
    assert dict(exact.candidate.clauses) == {
        ("event", "type"): frozenset({("string", "t")}),
        ("event", "data", "n"): frozenset({("number", 1)}),
    }
    broken = rule(filter={"sql": "type = 't'"})
    assert "CloudEvents SQL is not available" in broken.problem
    assert not broken.is_active


def test_expressions_see_what_was_sent_and_nothing_else() -> None:
    bare = event(data_form=DataForm.NONE, data_content_type="", time_text="")
    assert events.attributes(bare) == {"specversion": "1.0", "id": "1", "source": "/s", "type": "t"}
    full = event(
        {"a": 1}, subject="x", data_schema="urn:x", extensions={"team": "blue", "id": "not mine"}, time_text="as sent"
    )
    assert events.attributes(full) == {
        "specversion": "1.0", "id": "1", "source": "/s", "type": "t", "time": "as sent", "subject": "x",
        "datacontenttype": "application/json", "dataschema": "urn:x", "team": "blue", "data": {"a": 1},
    }  # fmt: skip
    binary = event("AAE=", data_form=DataForm.BASE64, data_content_type="image/png")
    assert events.attributes(binary)["data_base64"] == "AAE="
    assert "data" not in events.attributes(binary)
    assert events.attributes(event())["time"] == "2026-01-01T00:00:00Z"


TEXTS = (None, 'event.type == "a"', 'event.type in ["a", "b"] && event.data.n > 1', "event.data.n == 2", "event.data.x")
RULES = st.lists(st.tuples(st.sampled_from(TEXTS), st.booleans(), st.booleans()), min_size=1, max_size=8)
EVENTS = st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from([{}, {"n": 1}, {"n": 2}, {"x": True}])), max_size=6)


@given(RULES, EVENTS, st.randoms())
def test_decisions_are_the_verdicts_of_each_trigger_whatever_the_order(
    made: list[tuple[str | None, bool, bool]], happened: list[tuple[str, Json]], chance: Any
) -> None:
    rules = [
        rule(
            f"t{number}",
            text,
            enabled=enabled,
            sources=[{"name": "s", "ref": "x"} if elsewhere else {"name": "s", "type": "events"}],
        )
        for number, (text, enabled, elsewhere) in enumerate(made)
    ]
    chance.shuffle(rules)
    chance.shuffle(happened)
    ruled = ruling.rule_by(rules)
    for kind, data in happened:
        one = event(data, type=kind)
        found = {chosen.uid: proposal for chosen, proposal in ruled.propose(one, NOW)}
        for each in rules:
            verdict = matching.judge(each.candidate, Mapped(roots=events.roots(one), now=NOW))
            concerns = each.trigger.spec.enabled and one.source_key in each.candidate.sources
            if each.uid in found:
                assert concerns
                assert found[each.uid].verdict == verdict
                assert (found[each.uid].conclusion is FIRED) == (verdict.answer is Answer.YES)
            else:
                assert not concerns or verdict.answer is not Answer.YES
                cannot_tell = concerns and verdict.answer is Answer.COULD_NOT_TELL
                assert ruling.explain(each, one, NOW).conclusion is (Conclusion.UNDECIDED if cannot_tell else NOT)
