"""Why a source or trigger does what it does."""

from typing import Any

import pytest

from ensue.model.decision import Conclusion
from ensue.model.errors import Denied, NotFound, Problem
from ensue.model.identity import Identity
from ensue.model.values import DEFAULT_NAMESPACE
from ensue.operations import referring, sources
from ensue.operations.sources import SourceStory, TriggerStory
from tests.operations.places import ANN, Place

DAILY: dict[str, Any] = {"type": "cron", "with": {"schedule": "@daily"}}


async def source(place: Place, name: str, *problems: Problem) -> SourceStory:
    return await sources.explain_source(ANN, place.world, DEFAULT_NAMESPACE, name, problems)


async def trigger(place: Place, name: str) -> TriggerStory:
    return await sources.explain_trigger(ANN, place.world, DEFAULT_NAMESPACE, name)


async def test_a_shared_source_says_who_sees_it_and_when_it_comes(place: Place) -> None:
    await place.apply("Source", "daily", DAILY)
    story = await source(place, "daily")
    assert (story.state, story.message, story.next_times) == ("Unused", "no enabled trigger sees it", ())
    await place.trigger("on", sources=[{"ref": "daily"}])
    await place.trigger("off", sources=[{"ref": "daily"}], enabled=False)
    story = await source(place, "daily")
    assert (story.state, story.triggers, len(story.next_times)) == ("Active", ("on",), 5)
    assert {time.hour for time in story.next_times} == {0}
    await place.apply("Source", "daily", {**DAILY, "enabled": False})
    story = await source(place, "daily")
    assert (story.state, story.message, story.next_times) == ("Disabled", "the source is not enabled", ())


async def test_a_webhook_of_relay_is_not_unused_where_its_tenant_is_told_of_its_events(place: Place) -> None:
    await place.apply("Source", "door", {"type": "container-webhook", "with": {"image": "i", "tenant": "ours"}})
    await place.apply("Tenant", "ours", {})
    story = await source(place, "door")
    assert (story.state, story.message, story.notes) == (
        "Unused",
        "no enabled trigger sees it, and the tenant ours has no event sink",
        (),
    )
    await place.apply("Tenant", "ours", {"triggerEventSink": {"api": {"url": "http://sink.example"}}})
    story = await source(place, "door")
    assert (story.state, story.notes) == ("Active", ("its events are sent to the sink of the tenant ours",))
    stored = await place.world.definitions.get(DEFAULT_NAMESPACE, "Source", "door")
    ((brief,),) = (await sources.briefs(place.world, [stored], {})).values()
    assert (brief.state, brief.message) == ("Active", "")


async def test_a_webhook_says_its_address_and_why_it_takes_nothing(place: Place) -> None:
    await place.apply("Source", "hook", {"type": "webhook", "with": {"path": "in", "verify": {"type": "none"}}})
    await place.trigger("t", sources=[{"ref": "hook"}])
    story = await source(place, "hook")
    assert (story.state, story.hook) == ("Active", "/hooks/default/in")
    taken = Problem(message="the path belongs to another", path="spec.with.path")
    story = await source(place, "hook", taken)
    assert (story.state, story.message) == ("Broken", "the path belongs to another")
    taken = Problem(message="there is no secret s", remedy="set it with `ensue secret set s < FILE`", path="spec.with")
    assert (
        await source(place, "hook", taken)
    ).message == "there is no secret s; set it with `ensue secret set s < FILE`"


async def test_a_trigger_says_what_it_decided_lately_and_what_its_windows_hold(place: Place) -> None:
    stored = await place.trigger("t", filter={"cel": "event.data.n > 1"}, debounce={"for": "1h"})
    other = await place.trigger("other", dedupe={"key": "event.id", "for": "1h"})
    uid = [await place.send_one(data={"n": number}) for number in range(4)][-1]
    story = await trigger(place, "t")
    assert story.decided.counts == {Conclusion.HELD: 1, Conclusion.NOT_FIRED: 3}
    assert story.decided.last_fired is None
    (window,) = story.windows
    assert (window.kind, window.keys, window.held, window.next_at is not None) == ("debounce", 1, 1, True)
    (events,) = story.sources
    assert (events.key, events.type, events.state, events.last_event and events.last_event.uid) == (
        "events",
        "events",
        "Active",
        uid,
    )
    story = await trigger(place, "other")
    assert story.decided.last_fired is not None
    assert (story.decided.last_fired.uid, story.windows[0].kind, story.windows[0].keys) == (uid, "dedupe", 4)
    assert stored.uid != other.uid


async def test_a_trigger_that_decides_nothing_says_why(place: Place) -> None:
    await place.trigger("off", sources=[{"ref": "none"}], enabled=False)
    story = await trigger(place, "off")
    assert (story.state, story.message) == ("Disabled", "it is not enabled")
    assert [(one.state, one.message) for one in story.sources] == [
        ("Broken", "there is no Source none; it is waited for")
    ]
    await place.trigger("cue", filter={"cue": "context: {}"})
    story = await trigger(place, "cue")
    assert story.state == "Broken"
    assert story.message


async def test_a_trigger_is_as_healthy_as_its_sources(place: Place) -> None:
    await place.apply("Source", "hook", {"type": "webhook", "with": {"path": "in", "verify": {"type": "none"}}})
    stored = await place.trigger("all", sources=[{"ref": "hoo"}])
    story = await trigger(place, "all")
    assert (story.state, story.message) == ("Broken", "source hoo: there is no Source hoo; it is waited for")
    (problem,) = (await referring.problems(place.world, [stored], {}))[stored.uid]
    assert (problem.path, problem.remedy) == ("spec.sources[0].ref", 'did you mean "hook"?')
    await place.trigger("some", sources=[{"ref": "hoo"}, {"type": "events"}])
    assert (await trigger(place, "some")).state == "Degraded"
    stored = await place.trigger("shared", sources=[{"ref": "hook"}])
    assert (await trigger(place, "shared")).state == "Active"
    taken = Problem(message="the path is another's", path="spec.with.path")
    of_sources = {(await source_uid(place, "hook")): (taken,)}
    story = await sources.explain_trigger(ANN, place.world, DEFAULT_NAMESPACE, "shared", of_sources)
    assert (story.state, story.message) == ("Broken", "source hook: the path is another's")
    (problem,) = (await referring.problems(place.world, [stored], of_sources))[stored.uid]
    assert (problem.message, problem.path) == ("Source hook: the path is another's", "spec.sources[0].ref")


async def source_uid(place: Place, name: str) -> str:
    return (await place.world.definitions.get(DEFAULT_NAMESPACE, "Source", name)).uid


@pytest.mark.parametrize(
    ("action", "path", "message", "remedy"),
    [
        ({"workflow": "shipp"}, "spec.actions[0].workflow", "there is no workflow shipp", 'did you mean "ship"?'),
        (
            {"workflow": "ship", "parameters": {"ordr": "1", "to": "x"}},
            "spec.actions[0].parameters.ordr",
            'the workflow ship has no parameter "ordr"',
            'did you mean "order"?',
        ),
        ({"workflow": "ship"}, "spec.actions[0].workflow", 'requires the parameter "to"', "give it under parameters"),
    ],
)
async def test_a_trigger_whose_runs_all_fail_says_so(
    place: Place, action: dict[str, Any], path: str, message: str, remedy: str
) -> None:
    await place.workflow("ship", parameters=[{"name": "order"}, {"name": "to", "required": True}])
    stored = await place.trigger("t", actions=[action])
    (problem,) = (await referring.problems(place.world, [stored], {}))[stored.uid]
    assert (problem.path, problem.remedy) == (path, remedy)
    assert message in problem.message
    assert problem.message.endswith("each run fails")
    story = await trigger(place, "t")
    assert (story.state, story.message) == ("Broken", f"{problem.message} ({remedy})")


async def test_many_triggers_are_compared_with_lists(place: Place) -> None:
    for number in range(referring.FEW + 2):
        await place.workflow(f"w{number}")
    names = [*range(referring.FEW + 2), "x"]
    stored = [await place.trigger(f"t{name}", actions=[{"workflow": f"w{name}"}]) for name in names]
    told = await referring.problems(place.world, stored, {})
    assert [one.name for one in stored if told[one.uid]] == ["tx"]


async def test_a_workflow_that_is_computed_is_not_judged(place: Place) -> None:
    stored = await place.trigger("t", actions=[{"workflow": "${event.data.name}"}], allow={"workflows": ["ship-*"]})
    assert (await referring.problems(place.world, [stored], {}))[stored.uid] == ()


async def test_only_what_is_there_and_allowed_is_explained(place: Place) -> None:
    with pytest.raises(NotFound):
        await source(place, "none")
    with pytest.raises(NotFound):
        await trigger(place, "none")
    with pytest.raises(Denied):
        await sources.explain_source(Identity(subject="user:bob"), place.world, DEFAULT_NAMESPACE, "none")
