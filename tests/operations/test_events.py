"""From an event to decisions and runs: what fires, what is bound, what is explained, what is replayed."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from ensue import files
from ensue.core import deciding
from ensue.core.checking import NOTHING_MORE
from ensue.model.decision import Answer, Conclusion, Reason
from ensue.model.errors import Conflict, Denied, InvalidDefinition, NotFound
from ensue.model.event import REPLAY_OF, Accepted, Cause
from ensue.model.identity import Identity
from ensue.model.run import Reason as RunReason
from ensue.model.run import State
from ensue.model.values import DEFAULT_NAMESPACE, RunUid
from ensue.operations import events, logs, runs
from tests.operations.places import ANN, LOG, Place, event
from tests.runtime.sites import eventually

PUSH = 'event.type == "push" && event.data.ref == "main"'
BOB = Identity(subject="user:bob")


async def test_an_event_fires_the_triggers_that_say_yes_and_a_run_of_their_actions_begins(place: Place) -> None:
    await place.trigger("on-push", filter={"cel": PUSH}, actions=[LOG, {"name": "then", "run": "true"}])
    await place.trigger("on-tag", filter={"cel": 'event.type == "tag"'})
    uid = await place.send_one(type="push", data={"ref": "main"})
    decision = await place.decision(uid)
    assert (decision.trigger, decision.conclusion, decision.verdict.answer) == (
        "on-push",
        Conclusion.FIRED,
        Answer.YES,
    )
    assert [clause.text for clause in decision.verdict.because] == ['event.type == "push"', 'event.data.ref == "main"']
    (run,) = await place.runs()
    assert decision.run is not None
    assert (decision.run.uid, decision.run.name) == (run.uid, run.name)
    assert (run.trigger, run.workflow, run.event_uid, run.started_by) == ("on-push", "", uid, ANN)
    assert run.name.startswith("on-push-")
    assert run.cause == Cause(event=uid, triggers=(decision.trigger_uid,), root=uid)
    whole = await runs.get(ANN, place.world, DEFAULT_NAMESPACE, run.name)
    assert [(step.key.step, step.state) for step in whole.steps] == [("say", State.QUEUED), ("then", State.PENDING)]


async def test_a_filter_that_says_no_or_cannot_tell_fires_nothing_and_says_why(place: Place) -> None:
    await place.trigger("no", filter={"cel": 'event.data.n.startsWith("x")'})
    await place.trigger("unknown", filter={"cel": "event.data.missing.startsWith('x')"})
    uid = await place.send_one(data={"n": "abc"})
    assert await place.decided(uid) == {"no": "notFired Filter", "unknown": "undecided FilterFailed"}
    no, unknown = await events.decisions(ANN, place.world, DEFAULT_NAMESPACE, uid)
    assert no.verdict.because[0].values == {"event.data.n": "abc"}
    assert "missing" in unknown.verdict.error
    assert await place.runs() == ()


async def test_a_filter_that_fails_on_every_event_is_undecided_each_time_and_in_nobodys_way(place: Place) -> None:
    await place.trigger("fails", filter={"cel": "1 / event.data.zero == 1"})
    await place.trigger("works", filter={"cel": "event.data.zero == 0"})
    accepted = await place.send(*(event(data={"zero": 0}) for _ in range(50)))
    decided = [await place.decided(one.uid) for one in accepted]
    assert decided == [{"fails": "undecided FilterFailed", "works": "fired"}] * 50
    assert {run.trigger for run in await place.runs()} == {"works"}


async def test_a_repeated_event_is_answered_with_the_first_and_decided_once(place: Place) -> None:
    await place.trigger("t")
    given = event(id="same")
    (first,) = await place.send(given)
    again = await place.send(replace(given, uid="other"), event(id="same", uid="third"))
    assert again == (Accepted(uid=first.uid, is_duplicate=True),) * 2
    assert len(await place.runs()) == 1


async def test_who_does_not_know_whether_an_event_was_stored_may_hand_in_the_same_again(place: Place) -> None:
    await place.trigger("t")
    given, other = event(id="same"), event()
    (first,) = await place.send(given)
    assert await place.send(given, other, other) == (first, *(Accepted(uid=other.uid, is_duplicate=False),) * 2)
    assert len(await place.runs()) == 2
    assert await place.decided(given.uid) == {"t": "fired"}


async def test_an_end_of_a_run_that_is_told_again_is_decided_about_once(place: Place) -> None:
    await place.trigger("t", filter={"cel": 'event.type == "go"'}, actions=[{"workflow": "gone"}])
    await place.trigger("after", filter={"cel": 'event.type == "dev.ensue.run.failed.v1" && event.data.trigger == "t"'})
    await place.send_one(type="go")
    told = await place.world.feed.outbox()
    await place.world.intake.tell(told)
    await place.execute(
        "INSERT INTO outbox (namespace, run, type, data, cause, created_at) VALUES ($1, $2, $3, '{}', '{}', $4)",
        told[0].event.namespace, told[0].event.subject, told[0].event.type, 1,
    )  # fmt: skip
    assert await place.world.intake.tell(await place.world.feed.outbox()) == 1
    assert [run.trigger for run in await place.runs()] == ["t", "after"]


async def test_the_same_event_from_many_senders_at_once_fires_once(place: Place) -> None:
    await place.trigger("t")
    given = [event(id="same") for _ in range(20)]
    answers = await asyncio.gather(*(place.send(one) for one in given))
    assert sum(not one.is_duplicate for (one,) in answers) == 1
    assert len({one.uid for (one,) in answers}) == 1
    assert len(await place.runs()) == 1


async def test_a_trigger_sees_only_events_of_its_sources(place: Place) -> None:
    await place.trigger("shared", sources=[{"ref": "hook"}])
    hook = {"name": "hook", "type": "webhook", "with": {"path": "own", "verify": {"type": "none"}}}
    inline = await place.trigger("own", sources=[hook])
    await place.trigger("all", sources=[{"type": "events"}, {"ref": "hook"}])
    for source, seen in (
        ("events", {"all"}),
        ("Source/hook", {"shared", "all"}),
        (f"{inline.uid}/hook", {"own"}),
        ("Source/other", set[str]()),
    ):
        (accepted,) = await place.send(event(), source=source)
        assert set(await place.decided(accepted.uid)) == seen
        assert (await events.get(ANN, place.world, DEFAULT_NAMESPACE, accepted.uid)).event.source_key == source


async def test_an_action_that_names_a_workflow_starts_it_with_the_parameters_of_the_event(place: Place) -> None:
    parameters = [{"name": "sha", "type": "string", "required": True}, {"name": "branch", "default": "main"}]
    await place.workflow("build", parameters=parameters)
    await place.trigger("t", actions=[{"workflow": "build", "parameters": {"sha": "${event.data.after}"}}])
    uid = await place.send_one(data={"after": "abc"})
    (run,) = await place.runs()
    assert (run.workflow, run.trigger, run.event_uid) == ("build", "t", uid)
    assert (run.parameters, run.state) == ({"sha": "abc", "branch": "main"}, State.QUEUED)
    assert run.name.startswith("build-")


@pytest.mark.parametrize(
    ("action", "allow", "reason", "message"),
    [
        ({"parameters": {"sha": "${event.data.missing}"}}, [], RunReason.INVALID_PARAMETERS, "parameters.sha: "),
        ({"parameters": {"sha": 1}}, [], RunReason.INVALID_PARAMETERS, 'parameter "sha" must be a string, not 1'),
        ({}, [], RunReason.INVALID_PARAMETERS, 'the parameter "sha" is required'),
        ({"parameters": {"shaa": "x"}}, [], RunReason.INVALID_PARAMETERS, 'no parameter "shaa"'),
        ({"workflow": "gone"}, [], RunReason.INVALID_PARAMETERS, "there is no workflow gone"),
        ({"workflow": "${event.data.w}"}, ["other-*"], RunReason.NOT_ALLOWED, "spec.allow.workflows"),
        ({"workflow": "${event.data.no}"}, ["*"], RunReason.INVALID_PARAMETERS, "workflow: path "),
    ],
)
async def test_what_cannot_be_bound_is_a_failed_run_with_the_reason(
    place: Place, action: dict[str, Any], allow: list[str], reason: RunReason, message: str
) -> None:
    await place.workflow("build", parameters=[{"name": "sha", "type": "string", "required": True}])
    await place.trigger("t", actions=[{"workflow": "build", **action}], allow={"workflows": allow})
    uid = await place.send_one(data={"w": "build"})
    assert await place.decided(uid) == {"t": "fired"}
    (run,) = await place.runs()
    assert (run.state, run.reason, run.trigger) == (State.FAILED, reason, "t")
    assert message in run.message
    assert await place.rows("SELECT type FROM outbox") == [("dev.ensue.run.failed.v1",)]


async def test_a_computed_workflow_that_a_pattern_allows_is_started(place: Place) -> None:
    await place.workflow("build-a")
    await place.trigger("t", actions=[{"workflow": "${event.data.w}"}], allow={"workflows": ["build-*"]})
    await place.send_one(data={"w": "build-a"})
    (run,) = await place.runs()
    assert (run.workflow, run.state) == ("build-a", State.QUEUED)


async def test_steps_that_cannot_be_placed_fail_the_run_alone(place: Place) -> None:
    step = {"name": "a", "run": "true", "requires": {"arch": "${parameters.arch}"}}
    await place.workflow("w", step, parameters=[{"name": "arch"}])
    await place.trigger("t", actions=[{"workflow": "w", "parameters": {"arch": 7}}])
    await place.trigger("u")
    await place.send_one()
    assert {run.trigger: run.state for run in await place.runs()} == {"t": State.FAILED, "u": State.QUEUED}


async def test_a_change_counts_for_the_events_that_come_after_it(place: Place) -> None:
    await place.trigger("t", filter={"cel": 'event.type == "a"'})
    first = await place.send_one(type="a")
    changed = await place.trigger("t", filter={"cel": 'event.type == "b"'})
    second, third = await place.send_one(type="a"), await place.send_one(type="b")
    assert [await place.decided(uid) for uid in (first, second, third)] == [{"t": "fired"}, {}, {"t": "fired"}]
    assert (await place.decision(third)).generation == changed.generation == 2
    assert await place.explained(first) == {"t": "fired"}
    assert await place.explained(second) == {"t": "notFired Filter"}


async def test_another_process_that_changes_a_trigger_is_not_missed(place: Place) -> None:
    """What this process remembers of the rules is checked in the transaction that decides."""
    await place.trigger("t")
    await place.send_one()
    definitions = place.world.definitions
    await definitions.delete(DEFAULT_NAMESPACE, "Trigger", "t", ANN)
    assert await place.decided(await place.send_one()) == {}


async def test_what_is_not_enabled_decides_nothing_and_explain_says_so(place: Place) -> None:
    await place.trigger("off", enabled=False)
    await place.trigger("blind", sources=[{"ref": "hook"}])
    await place.trigger("picky", filter={"cel": 'event.type == "other"'})
    uid = await place.send_one()
    assert await place.decided(uid) == {}
    assert await place.explained(uid) == {
        "off": "notFired Disabled",
        "blind": "notFired NotSeen",
        "picky": "notFired Filter",
    }
    assert await place.runs() == ()


async def test_a_trigger_that_cannot_be_read_stays_visible_and_stops_no_other(place: Place) -> None:
    broken = await place.trigger("broken", filter={"cel": "true"})
    await place.trigger("good")
    spec = '{"apiVersion":"ensue.dev/v1alpha1","kind":"Trigger","spec":{"from":"a later version"}}'
    await place.execute("UPDATE bodies SET body = $1 WHERE hash = $2", spec, broken.hash)
    uid = await place.send_one()
    assert await place.decided(uid) == {"good": "fired"}
    assert (await place.explained(uid))["broken"] == "notFired Broken"


async def test_a_workflow_that_cannot_be_read_fails_its_own_runs_and_no_event(place: Place) -> None:
    later = await place.workflow("later")
    await place.trigger("starts-it", actions=[{"workflow": "later"}])
    await place.trigger("good")
    spec = '{"apiVersion":"ensue.dev/v1alpha1","kind":"Workflow","spec":{"from":"a later version"}}'
    await place.execute("UPDATE bodies SET body = $1 WHERE hash = $2", spec, later.hash)
    assert await place.decided(await place.send_one()) == {"good": "fired", "starts-it": "fired"}
    failed = {run.trigger: run for run in await place.runs()}["starts-it"]
    assert (failed.state, failed.reason, failed.workflow) == (State.FAILED, RunReason.UNSUPPORTED, "later")
    assert "of later cannot be read" in failed.message


async def test_a_replay_is_a_new_event_that_skips_the_windows_and_says_so(place: Place) -> None:
    await place.trigger("once", dedupe={"key": "event.type", "for": "1h"})
    await place.trigger("other")
    first = await place.send_one()
    assert await place.decided(await place.send_one()) == {"once": "notFired Duplicate", "other": "fired"}
    accepted = await events.replay(ANN, place.world, DEFAULT_NAMESPACE, first)
    stored = await events.get(ANN, place.world, DEFAULT_NAMESPACE, accepted.uid)
    assert (stored.event.extensions, accepted.is_duplicate) == ({REPLAY_OF: first}, False)
    assert await place.decided(accepted.uid) == {"once": "fired", "other": "fired"}
    notes = {one.trigger: one.note for one in await events.decisions(ANN, place.world, DEFAULT_NAMESPACE, accepted.uid)}
    assert notes == {"once": deciding.SKIPPED, "other": ""}


async def test_a_replay_to_one_trigger_is_for_it_alone(place: Place) -> None:
    await place.trigger("a")
    await place.trigger("b")
    await place.trigger("blind", sources=[{"ref": "hook"}])
    first = await place.send_one()
    accepted = await events.replay(ANN, place.world, DEFAULT_NAMESPACE, first, "b")
    assert await place.decided(accepted.uid) == {"b": "fired"}
    assert await place.explained(accepted.uid) == {
        "a": "notFired NotSeen",
        "b": "fired",
        "blind": "notFired NotSeen",
    }
    with pytest.raises(Conflict, match="decides nothing about events of the source by which"):
        await events.replay(ANN, place.world, DEFAULT_NAMESPACE, first, "blind")
    with pytest.raises(NotFound, match="no Trigger none"):
        await events.replay(ANN, place.world, DEFAULT_NAMESPACE, first, "none")


async def test_nobody_can_pass_an_event_off_as_a_replay(place: Place) -> None:
    await place.trigger("once", dedupe={"key": "event.type", "for": "1h"})
    first = await place.send_one()
    uid = await place.send_one(extensions={REPLAY_OF: "x", "mine": "y"})
    assert await place.decided(uid) == {"once": "notFired Duplicate"}
    (decision,) = await events.decisions(ANN, place.world, DEFAULT_NAMESPACE, uid)
    assert decision.note.startswith(f'event {first} with the key "')
    assert (await events.get(ANN, place.world, DEFAULT_NAMESPACE, uid)).event.extensions == {"mine": "y"}


async def test_a_loop_is_stopped_and_names_its_triggers(place: Place) -> None:
    a, b = (await place.trigger("a")).uid, (await place.trigger("b", filter={"cel": "event.data.b"})).uid
    often = Cause(run=RunUid("r"), triggers=(a, b) * 11)
    (accepted,) = await events.accept(ANN, place.world, [event(data={"b": True})], cause=often)
    assert await place.decided(accepted.uid) == {"a": "notFired Loop", "b": "notFired Loop"}
    found = await events.decisions(ANN, place.world, DEFAULT_NAMESPACE, accepted.uid)
    assert "11 times" in found[0].note
    assert "a → b" in found[0].note
    deep = Cause(run=RunUid("r"), triggers=tuple(str(number) for number in range(65)))
    (accepted,) = await events.accept(ANN, place.world, [event()], cause=deep)
    assert await place.decided(accepted.uid) == {"a": "notFired Loop"}
    few = replace(often, triggers=(a, b) * 10)
    (accepted,) = await events.accept(ANN, place.world, [event()], cause=few)
    assert await place.decided(accepted.uid) == {"a": "fired"}


async def test_a_run_that_ends_starts_another_and_a_loop_of_runs_ends(place: Place) -> None:
    """The trigger reacts to the ends of its own runs; each of them fails at once."""
    ended = 'event.type == "dev.ensue.run.failed.v1" || event.type == "go"'
    await place.trigger("t", filter={"cel": ended}, actions=[{"workflow": "gone"}])
    await place.send_one(type="go")
    for _ in range(20):
        await place.world.intake.tell(await place.world.feed.outbox())
    found = await place.runs()
    assert [len(run.cause.triggers) for run in found] == list(range(1, 12))
    last = await place.rows("SELECT reason, note FROM decisions WHERE conclusion = 'notFired'")
    assert [(reason, "11 times" in note) for reason, note in last] == [("Loop", True)]


async def test_the_steps_of_a_run_read_the_event_that_started_it(place: Place) -> None:
    say = {"name": "say", "type": "log", "with": {"message": "${event.data.who} sent ${event.type}"}}
    await place.workflow("w", say, outputs=[{"name": "x", "value": 1}])
    await place.trigger("actions", actions=[say], sources=[{"ref": "hook"}])
    await place.trigger("starts", actions=[{"workflow": "w"}], sources=[{"ref": "hook"}])
    (accepted,) = await place.send(event(type="greeting", data={"who": "ann"}), source="Source/hook")

    async def are_over() -> bool:
        return all(run.state.is_final for run in await place.runs())

    async with place.working():
        await eventually(are_over)
    for run in await place.runs():
        assert (run.state, run.message) == (State.SUCCEEDED, "")
        lines = [line async for line in logs.read(ANN, place.world, DEFAULT_NAMESPACE, run.name, logs.Select())]
        assert [line.text for line in lines] == ["ann sent greeting"]
    assert await place.decided(accepted.uid) == {"actions": "fired", "starts": "fired"}


async def test_a_run_that_was_started_by_hand_has_no_event(place: Place) -> None:
    say = {"name": "say", "type": "log", "with": {"message": "${event.type}"}}
    await place.workflow("w", say)
    run = await runs.start(ANN, place.world, runs.Start(namespace=DEFAULT_NAMESPACE, workflow="w"))
    assert (run.event_uid, run.trigger, run.cause) == (None, "", Cause())


async def test_what_a_run_causes_carries_the_chain_on(place: Place) -> None:
    trigger = await place.trigger("t", filter={"cel": 'event.type == "go"'}, actions=[{"workflow": "gone"}])
    uid = await place.send_one(type="go")
    await place.world.intake.tell(await place.world.feed.outbox())
    (run,) = await place.runs()
    (told,) = [one.event for one in (await place.world.feed.read(None)).items if one.event.subject == run.uid]
    assert told.cause == Cause(event=uid, run=run.uid, triggers=(trigger.uid,), root=uid)


async def test_who_may_not_lets_nothing_in_and_sees_nothing(place: Place) -> None:
    uid = await place.send_one()
    for act in (
        events.accept(BOB, place.world, [event()]),
        events.get(BOB, place.world, DEFAULT_NAMESPACE, uid),
        events.list_all(BOB, place.world, None),
        events.decisions(BOB, place.world, DEFAULT_NAMESPACE, uid),
        events.explain(BOB, place.world, DEFAULT_NAMESPACE, uid),
        events.replay(BOB, place.world, DEFAULT_NAMESPACE, uid),
    ):
        with pytest.raises(Denied, match="user:bob may not"):
            await act
    assert len((await events.list_all(ANN, place.world, None)).items) == 1


async def test_decisions_of_an_unknown_event_are_not_found(place: Place) -> None:
    for ask in (events.decisions, events.explain, events.replay):
        with pytest.raises(NotFound, match="no event x"):
            await ask(ANN, place.world, DEFAULT_NAMESPACE, "x")


TRIGGER = """
apiVersion: ensue.dev/v1alpha1
kind: Trigger
metadata: {name: t}
spec:
  enabled: ENABLED
  sources: [{name: hook, type: webhook, with: {path: x}}]
  filter: event.type == "push"
  dedupe: {key: event.id, for: 1m}
  actions: [{name: a, run: "true"}]
"""


@pytest.mark.parametrize(
    ("enabled", "kind", "conclusion", "reason", "note"),
    [
        ("true", "push", Conclusion.FIRED, Reason.NONE, "its windows would be asked"),
        ("true", "tag", Conclusion.NOT_FIRED, Reason.FILTER, ""),
        ("false", "push", Conclusion.NOT_FIRED, Reason.DISABLED, "the trigger was not enabled"),
    ],
)
def test_a_trigger_is_tried_out_on_an_event_without_a_server(
    enabled: str, kind: str, conclusion: Conclusion, reason: Reason, note: str
) -> None:
    (document,) = files.read(TRIGGER.replace("ENABLED", enabled), "t.yaml", known=NOTHING_MORE)
    decision = events.try_out(document, event(type=kind))
    assert (decision.conclusion, decision.reason, decision.note) == (conclusion, reason, note)


def test_only_a_valid_trigger_is_tried_out() -> None:
    workflow = TRIGGER.replace("Trigger", "Workflow").replace("ENABLED", "true")
    broken = TRIGGER.replace('"push"', "(").replace("ENABLED", "true")
    for text in (workflow, broken):
        (document,) = files.read(text, "t.yaml", known=NOTHING_MORE)
        with pytest.raises(InvalidDefinition):
            events.try_out(document, event())
