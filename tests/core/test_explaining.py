"""Why a run is where it is."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ensue.core import explaining
from ensue.core.lacking import Place
from ensue.model.run import Attempt, Outcome, Reason, State
from tests.core.playing import ASLEEP, FAILED, SUCCEEDED, Play, workflow

PLACES = [Place(name="one", labels={"os": "linux"}, engines=("inline", "process"))]


def texts(play: Play, places: list[Place] = PLACES, attempts: list[Attempt] | None = None) -> dict[str, str]:
    return {item.subject: item.text for item in explained(play, places, attempts)}


def explained(
    play: Play, places: list[Place] = PLACES, attempts: list[Attempt] | None = None
) -> tuple[explaining.Explanation, ...]:
    return explaining.explain(play.graph, play.run, list(play.steps.values()), attempts or [], places)


def test_a_step_that_waits_names_what_it_waits_for() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a", "b"]}], [{"name": "z"}]))
    play.carry_out("a", SUCCEEDED)
    said = texts(play)
    assert said["c"] == "it waits for b to end"
    assert said["z"] == "it runs when the other steps have ended"
    assert said["w-bcdfg"] == "it waits for b"


@pytest.mark.parametrize(
    ("step", "text"),
    [
        ({}, "it is ready and waits for a free slot on a worker"),
        ({"requires": {"os": "linux"}}, "it is ready and waits for a free slot on a worker"),
        (
            {"requires": {"os": "linux", "gpu": "1"}},
            "it is ready, but no worker has the labels gpu=1,os=linux (start one with ",
        ),
        (
            {"requires": {"x": "a,b"}},
            "it is ready, but no worker has the labels x=a%2Cb (start one with `--labels x=a%2Cb`",
        ),
        ({"engine": "ssh"}, "it is ready, but no worker has the engine ssh (start a worker that has it, or "),
    ],
)
def test_a_step_that_is_ready_says_what_keeps_it(step: dict[str, Any], text: str) -> None:
    assert texts(Play(workflow([{"name": "a", **step}])))["a"].startswith(text)


def test_a_step_that_no_worker_has_containers_for_says_what_to_start() -> None:
    said = texts(Play(workflow([{"name": "a", "image": "busybox", "run": "true"}])))["a"]
    assert said.startswith("it is ready, but no worker has the engine container (start Docker or Podman ")


def test_a_paused_run_says_how_to_go_on() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.pause()
    assert "ensue resume" in texts(play)["w-bcdfg"]
    assert texts(play)["a"] == "it is ready; the run is paused"


def test_a_sleeping_step_says_until_when() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.carry_out("a", ASLEEP)
    assert texts(play)["a"] == "it sleeps until 2026-01-01T01:00:00+00:00"


@pytest.mark.parametrize(
    ("approval", "text"),
    [
        ({}, "it waits for an approval by whoever may approve"),
        ({"approvers": ["user:ann", "group:b"]}, "it waits for an approval by user:ann, group:b"),
        ({"approvers": ["group:b"], "minApprovals": 2}, "it waits for an approval by 2 of group:b"),
        (
            {"minApprovals": 2, "notStarter": True},
            "it waits for an approval by 2 of those who may approve other than who started the run",
        ),
    ],
)
def test_a_step_that_asks_says_who_may_answer(approval: dict[str, Any], text: str) -> None:
    play = Play(workflow([{"name": "a", "approval": approval}]))
    play.carry_out("a", Outcome(state=State.WAITING, reason=Reason.APPROVAL))
    assert texts(play)["a"] == text


def test_a_step_that_asks_names_the_values_that_an_answer_needs() -> None:
    form = {"notes": {"type": "string", "required": True}, "channel": {"type": "string", "default": "beta"}}
    play = Play(workflow([{"name": "a", "approval": {"message": "Release?", "form": form}}]))
    asked = Outcome(state=State.WAITING, reason=Reason.APPROVAL, message="Release?")
    assert [item.form for item in explained(play)] == [(), ()]
    play.carry_out("a", asked)
    assert [(item.text, item.form) for item in explained(play)][1:] == [
        ("it waits for an approval by whoever may approve: Release?", ("notes",))
    ]


def test_a_step_that_is_tried_again_says_when() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 1}}]))
    play.carry_out("a", FAILED)
    assert texts(play)["a"].startswith("it is tried again at 2026-01-01T00:00:01+00:00")


def test_a_run_that_is_being_stopped_names_what_it_waits_for() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    play.claim("a")
    play.stop()
    said = texts(play)
    assert said["w-bcdfg"] == "it is being stopped and waits for a"
    assert said["a"].endswith("and has been asked to end")


def test_a_step_whose_engine_is_away_does_not_run() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.claim("a")
    play.steps["a"] = replace(play.steps["a"], engine="container", message="it is away; it is asked again until 12:00")
    said = texts(play)["a"]
    assert said.startswith("attempt 1 waits to start on worker ")
    assert said.endswith("(engine container): it is away; it is asked again until 12:00")


def test_a_step_of_a_cancelled_run_says_whether_it_ran() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}]))
    play.claim("a")
    play.stop()
    play.finish("a", Outcome(state=State.CANCELLED, reason=Reason.REQUESTED, exit_code=143))
    said = texts(play)
    assert said["a"] == "stopped because the run was cancelled (exit code 143)"
    assert said["b"] == said["c"] == "the run was cancelled before it could run"


def test_a_run_that_took_too_long_stopped_its_steps() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 1}}, {"name": "b"}]))
    play.carry_out("a", FAILED)
    play.stop(State.TIMED_OUT)
    said = texts(play)
    assert said["a"] == "stopped because the run took too long"
    assert said["b"] == "the run took too long before it could run"


def test_a_pause_lasts_since_it_began() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    begun = play.now
    play.now += timedelta(minutes=5)
    play.pause()
    paused = play.now
    play.now += timedelta(minutes=5)
    play.pause()
    found = {
        item.subject: item.since for item in explaining.explain(play.graph, play.run, [*play.steps.values()], [], [])
    }
    assert found == {"w-bcdfg": paused, "a": paused, "b": begun}


def test_a_step_that_only_waited_was_not_tried_before() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.carry_out("a", SUCCEEDED)
    play.steps["a"] = step = replace(play.steps["a"], attempt=3)
    ended = [
        Attempt(
            key=step.key,
            number=number,
            worker=None,
            engine="inline",
            state=State.SUCCEEDED,
            reason=Reason.NONE,
            message="",
            exit_code=None,
            started_at=None,
            completed_at=play.now,
        )
        for number in (2, 3)
    ]
    assert texts(play, attempts=ended[1:])["a"] == "it ended well"
    assert texts(play, attempts=ended)["a"] == "it ended well after 2 attempts"


def test_an_end_is_explained_by_its_message() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", FAILED)
    said = texts(play)
    assert said["b"] == "step a did not end as needed"
    assert said["w-bcdfg"] == "step a failed"
    assert play.run.state is State.FAILED
