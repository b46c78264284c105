"""Cancel, kill, time out, pause and resume: what becomes of a run that is interfered with."""

from datetime import timedelta
from typing import Any

import pytest

from ensue.model.run import Phase, Reason, State
from tests.core.playing import ASLEEP, FAILED, LOST, NOW, SUCCEEDED, Play, workflow

CHAIN: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]


def test_a_cancelled_run_ends_what_has_not_started_and_asks_what_runs_to_end() -> None:
    play = Play(workflow([*CHAIN, {"name": "free"}]))
    play.claim("a")
    play.stop()
    assert play["a"].is_stopping
    assert play["a"].state is State.RUNNING
    assert {play[name].state for name in ("b", "c", "free")} == {State.CANCELLED}
    assert (play.run.state, play.run.reason, play.run.open_steps) == (State.RUNNING, Reason.CANCELLING, 1)


def test_a_cancelled_run_ends_when_its_last_running_step_does() -> None:
    play = Play(workflow(CHAIN))
    play.claim("a")
    play.stop()
    play.finish("a", FAILED)
    assert (play.run.state, play.run.reason) == (State.CANCELLED, Reason.REQUESTED)
    assert (play["a"].state, play["a"].reason) == (State.CANCELLED, Reason.RUN_CANCELLED)


def test_a_step_that_succeeded_although_it_was_asked_to_end_has_succeeded() -> None:
    play = Play(workflow(CHAIN))
    play.claim("a")
    play.stop()
    play.finish("a", SUCCEEDED)
    assert play["a"].state is State.SUCCEEDED
    assert play.run.state is State.CANCELLED


def test_a_run_that_has_not_started_is_cancelled_at_once() -> None:
    play = Play(workflow(CHAIN))
    play.stop()
    assert play.run.state is State.CANCELLED
    assert set(play.states().values()) == {State.CANCELLED}


@pytest.mark.parametrize("outcome", [FAILED, LOST])
def test_nothing_is_tried_again_in_a_run_that_is_being_stopped(outcome: object) -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 3}}]))
    play.claim("a")
    play.stop()
    play.finish("a", outcome)  # type: ignore[arg-type]
    assert play["a"].state is State.CANCELLED


def test_a_sleeping_step_is_cancelled_at_once() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.carry_out("a", ASLEEP)
    play.stop()
    assert play["a"].state is State.CANCELLED
    assert play.run.state is State.CANCELLED


def test_a_run_that_timed_out_ends_as_that_and_so_do_its_steps() -> None:
    play = Play(workflow(CHAIN, [{"name": "z"}]))
    play.claim("a")
    play.stop(State.TIMED_OUT)
    assert play.run.reason is Reason.TIMING_OUT
    play.finish("a", FAILED)
    play.carry_out("z", SUCCEEDED)
    assert (play.run.state, play.run.reason) == (State.TIMED_OUT, Reason.TIMEOUT)
    assert (play["a"].state, play["a"].reason) == (State.TIMED_OUT, Reason.RUN_TIMED_OUT)


def test_the_first_reason_to_stop_stays() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.claim("a")
    play.stop(State.TIMED_OUT)
    play.stop(State.CANCELLED)
    play.finish("a", FAILED)
    assert play.run.state is State.TIMED_OUT


def test_finally_runs_after_a_cancel() -> None:
    play = Play(workflow(CHAIN, [{"name": "y"}, {"name": "z", "after": ["y"]}]))
    play.claim("a")
    play.stop()
    assert play["y"].state is State.PENDING
    play.finish("a", FAILED)
    assert (play.run.phase, play["y"].state) == (Phase.FINALLY, State.QUEUED)
    play.carry_on({})
    assert (play["y"].state, play["z"].state) == (State.SUCCEEDED, State.SUCCEEDED)
    assert play.run.state is State.CANCELLED


def test_a_cancel_during_finally_lets_it_go_on() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "y"}, {"name": "z", "after": ["y"]}]))
    play.carry_out("a", SUCCEEDED)
    play.claim("y")
    play.stop()
    assert not play["y"].is_stopping
    play.finish("y", SUCCEEDED)
    assert play["z"].state is State.QUEUED


def test_a_killed_run_does_not_run_finally() -> None:
    play = Play(workflow(CHAIN, [{"name": "y"}, {"name": "z", "after": ["y"]}]))
    play.claim("a")
    play.stop(is_kill=True)
    assert {play[name].state for name in ("b", "c", "y", "z")} == {State.CANCELLED}
    assert play.run.open_steps == 1
    play.finish("a", FAILED)
    assert play.run.state is State.CANCELLED


def test_a_kill_after_a_cancel_ends_finally_too() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "x"}, {"name": "y"}, {"name": "z", "after": ["x"]}]))
    play.stop()
    play.claim("x")
    play.stop(is_kill=True)
    assert play["x"].is_stopping
    assert (play["y"].state, play["z"].state) == (State.CANCELLED, State.CANCELLED)
    assert play.run.open_steps == 1
    play.finish("x", FAILED)
    assert play["x"].state is State.CANCELLED
    assert play.run.state is State.CANCELLED


def test_a_cancel_after_a_kill_does_not_bring_finally_back() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    play.claim("a")
    play.stop(is_kill=True)
    play.stop()
    play.finish("a", FAILED)
    assert (play.run.state, play["z"].state) == (State.CANCELLED, State.CANCELLED)


def test_stopping_twice_changes_nothing_more() -> None:
    play = Play(workflow(CHAIN))
    play.claim("a")
    play.stop()
    before = (play.run, dict(play.steps))
    play.stop()
    assert (play.run, play.steps) == before


# Pause and resume


def test_a_paused_run_holds_back_what_is_ready_and_lets_go_on_what_runs() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b"}, {"name": "c", "after": ["a"]}]))
    play.claim("a")
    play.pause()
    assert (play.run.state, play.run.reason) == (State.WAITING, Reason.PAUSED)
    assert (play["b"].state, play["b"].reason) == (State.WAITING, Reason.PAUSED)
    play.finish("a", SUCCEEDED)
    assert (play["c"].state, play["c"].reason) == (State.WAITING, Reason.PAUSED)
    play.pause(is_paused=False)
    assert (play["b"].state, play["c"].state) == (State.QUEUED, State.QUEUED)
    assert play.run.state is State.RUNNING


def test_a_run_that_never_started_is_queued_again_when_it_is_resumed() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.pause()
    play.pause(is_paused=False)
    assert play.run.state is State.QUEUED


def test_a_retry_that_falls_into_a_pause_keeps_its_backoff() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 1, "backoff": {"duration": "4m"}}}]))
    play.claim("a")
    play.pause()
    play.finish("a", FAILED)
    assert (play["a"].state, play["a"].reason) == (State.WAITING, Reason.PAUSED)
    play.pause(is_paused=False)
    assert play["a"].state is State.QUEUED
    assert play["a"].ready_at == NOW + timedelta(minutes=4)
    assert play["a"].queued_at == play["a"].ready_at, "waiting for a worker begins when the step is ready"


def test_a_sleeping_step_wakes_in_a_paused_run_and_holds_back_what_follows() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", ASLEEP)
    play.pause()
    play.wake("a")
    assert play["a"].state is State.SUCCEEDED
    assert play["b"].reason is Reason.PAUSED


def test_finally_of_a_paused_run_waits_too() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    play.claim("a")
    play.pause()
    play.finish("a", SUCCEEDED)
    assert (play.run.phase, play["z"].reason) == (Phase.FINALLY, Reason.PAUSED)
    play.pause(is_paused=False)
    assert play["z"].state is State.QUEUED


def test_a_run_whose_last_step_ends_while_it_is_paused_has_ended() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.claim("a")
    play.pause()
    play.finish("a", SUCCEEDED)
    assert play.run.state is State.SUCCEEDED


def test_a_cancel_ends_a_pause_and_lets_finally_go() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    play.claim("a")
    play.pause()
    play.finish("a", SUCCEEDED)
    play.stop()
    assert not play.run.is_paused
    assert play["z"].state is State.QUEUED
    play.carry_on({})
    assert play.run.state is State.CANCELLED
