"""The planner's rules, one by one."""

from datetime import timedelta
from typing import Any

import pytest

from ensue.core import planning
from ensue.model.run import Outcome, Phase, Reason, State
from tests.core.playing import ASLEEP, FAILED, LOST, NOW, SKIPPED, SUCCEEDED, TIMED_OUT, Play, workflow

CANCELLED = Outcome(state=State.CANCELLED, reason=Reason.REQUESTED)
CONTINUES = Outcome(state=State.FAILED, continues_on_error=True)


def diamond(**spec: Any) -> Play:
    steps: list[dict[str, Any]] = [
        {"name": "a"},
        {"name": "b", "after": ["a"]},
        {"name": "c", "after": ["a"]},
        {"name": "d", "after": ["b", "c"]},
    ]
    return Play(workflow(steps, **spec))


@pytest.mark.parametrize(
    ("outcome", "met"),
    [
        (SUCCEEDED, {"succeeded", "any"}),
        (FAILED, {"failed", "any"}),
        (TIMED_OUT, {"failed", "timedout", "any"}),
        (SKIPPED, {"skipped", "any"}),
        (CANCELLED, {"cancelled", "any"}),
        (CONTINUES, {"succeeded", "failed", "any"}),
    ],
)
def test_a_dependency_is_met_by_the_ends_it_names(outcome: Outcome, met: set[str]) -> None:
    words = ("succeeded", "failed", "skipped", "cancelled", "timedout", "any")
    play = Play(workflow([{"name": "a"}, *({"name": word, "after": {"a": [word]}} for word in words)]))
    play.carry_out("a", outcome)
    assert {word for word in words if play[word].state is State.QUEUED} == met
    assert all(play[word].state is State.SKIPPED for word in set(words) - met)


def test_several_ends_may_satisfy_one_dependency() -> None:
    for outcome in (FAILED, SKIPPED):
        play = Play(workflow([{"name": "a"}, {"name": "b", "after": {"a": ["failed", "skipped"]}}]))
        play.carry_out("a", outcome)
        assert play["b"].state is State.QUEUED


def test_a_step_waits_for_all_its_dependencies() -> None:
    play = diamond()
    play.carry_out("a", SUCCEEDED)
    play.carry_out("b", SUCCEEDED)
    assert (play["d"].state, play["d"].waiting_for) == (State.PENDING, 1)
    play.carry_out("c", SUCCEEDED)
    assert play.states()["d"] is State.QUEUED


def test_a_step_that_is_skipped_skips_those_that_need_its_success() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]))
    play.carry_out("a", FAILED)
    assert play.states() == {"a": State.FAILED, "b": State.SKIPPED, "c": State.SKIPPED}
    assert play["c"].reason is Reason.DEPENDENCY_NOT_MET
    assert play["c"].message == "step b did not end as needed"
    assert (play.run.state, play.run.reason) == (State.FAILED, Reason.STEP_FAILED)


def test_a_run_whose_steps_are_all_skipped_by_their_conditions_succeeds() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", SKIPPED)
    assert play["b"].state is State.SKIPPED
    assert play.run.state is State.SUCCEEDED


def test_the_dependency_that_was_not_met_is_the_first_by_name_whatever_ended_first() -> None:
    for order in ("xy", "yx"):
        play = Play(workflow([{"name": "x"}, {"name": "y"}, {"name": "z", "after": ["x", "y"]}]))
        for name in order:
            play.carry_out(name, FAILED)
        assert play["z"].unmet == "x"
        assert play.run.failed_step == "x"


def test_a_failure_that_continues_fails_neither_the_run_nor_its_dependants() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", CONTINUES)
    play.carry_out("b", SUCCEEDED)
    assert play["a"].state is State.FAILED
    assert play.run.state is State.SUCCEEDED


@pytest.mark.parametrize("outcome", [LOST, TIMED_OUT, Outcome(state=State.FAILED, can_retry=False)])
def test_continue_on_error_as_a_plain_word_counts_where_nobody_evaluated_it(outcome: Outcome) -> None:
    play = Play(workflow([{"name": "a", "continueOnError": "true", "onLost": "fail"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", outcome)
    play.carry_out("b", SUCCEEDED)
    assert play.run.state is State.SUCCEEDED


def test_continue_on_error_says_nothing_about_a_step_that_was_skipped() -> None:
    play = Play(workflow([{"name": "a", "continueOnError": "true"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", SKIPPED)
    assert play["b"].state is State.SKIPPED


def test_a_step_that_no_worker_took_in_time_times_out() -> None:
    play = Play(workflow([{"name": "a", "pendingTimeout": "1s"}, {"name": "b", "after": {"a": ["timedout"]}}]))
    play.expire_pending("a")
    assert (play["a"].state, play["a"].reason) == (State.TIMED_OUT, Reason.PENDING_TIMEOUT)
    assert play["a"].message == "no worker took it within 1s"
    assert play["b"].state is State.QUEUED


# Trying again


def test_a_failed_step_is_tried_again_after_its_backoff_until_its_limit() -> None:
    retry = {"limit": 2, "backoff": {"duration": "10s", "factor": 3}}
    play = Play(workflow([{"name": "a", "retry": retry}]))
    for wait in (10, 30):
        play.claim("a")
        begun = play.now
        play.finish("a", FAILED)
        assert (play["a"].state, play["a"].reason) == (State.QUEUED, Reason.BACKOFF)
        assert play["a"].ready_at == begun + timedelta(seconds=wait)
    play.carry_out("a", FAILED)
    assert (play["a"].state, play["a"].attempt, play["a"].retries) == (State.FAILED, 3, 2)


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 5.0), (0.5, 7.5), (0.999, 9.995)])
def test_jitter_draws_the_wait_from_its_upper_half(draw: float, seconds: float) -> None:
    retry = {"limit": 1, "backoff": {"duration": "10s", "jitter": True}}
    play = Play(workflow([{"name": "a", "retry": retry}]))
    play.claim("a")
    play.finish("a", FAILED, draw=draw)
    assert play["a"].ready_at == NOW + timedelta(seconds=seconds)


@pytest.mark.parametrize("outcome", [Outcome(state=State.FAILED, can_retry=False), SKIPPED, CANCELLED])
def test_what_is_no_failure_or_must_not_be_repeated_is_not_tried_again(outcome: Outcome) -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 5}}]))
    play.carry_out("a", outcome)
    assert play["a"].state is outcome.state


def test_a_lost_attempt_does_not_count_against_the_retry_limit() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 1}}]))
    play.carry_out("a", LOST)
    assert (play["a"].state, play["a"].losses, play["a"].retries) == (State.QUEUED, 1, 0)
    assert play["a"].ready_at == NOW
    play.carry_out("a", FAILED)
    assert play["a"].state is State.QUEUED
    play.carry_out("a", SUCCEEDED)
    assert play["a"].attempt == 3


def test_a_step_that_keeps_losing_its_worker_fails_in_the_end() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 5}}]))
    for _ in range(planning.MAX_LOSSES + 1):
        play.carry_out("a", LOST)
    assert (play["a"].state, play["a"].reason) == (State.FAILED, Reason.LOST)


def test_a_lost_attempt_fails_the_step_where_on_lost_says_so() -> None:
    play = Play(workflow([{"name": "a", "onLost": "fail", "retry": {"limit": 5}}]))
    play.carry_out("a", LOST)
    assert (play["a"].state, play["a"].reason) == (State.FAILED, Reason.LOST)


def test_every_end_of_an_attempt_raises_the_epoch_so_that_late_writes_miss() -> None:
    play = Play(workflow([{"name": "a", "retry": {"limit": 1}}]))
    held = play.claim("a").lease_epoch
    play.finish("a", FAILED)
    assert play["a"].lease_epoch > held
    play.claim("a")
    assert not play.finish("a", SUCCEEDED, epoch=held)


# set-status


@pytest.mark.parametrize("order", ["abc", "acb", "bac", "bca", "cab", "cba"])
def test_a_set_status_of_failure_wins_whatever_the_order(order: str) -> None:
    said = {
        "a": Outcome(state=State.SUCCEEDED, ends_as=State.FAILED, ends_message="no"),
        "b": Outcome(state=State.SUCCEEDED, ends_as=State.SUCCEEDED, ends_message="yes"),
        "c": SUCCEEDED,
    }
    play = Play(workflow([{"name": name} for name in "abc"]))
    for name in order:
        play.carry_out(name, said[name])
    assert (play.run.state, play.run.reason, play.run.message) == (State.FAILED, Reason.SET_STATUS, "no")


def test_a_set_status_of_success_outweighs_a_failed_step() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b"}]))
    play.carry_out("a", FAILED)
    play.carry_out("b", Outcome(state=State.SUCCEEDED, ends_as=State.SUCCEEDED))
    assert play.run.state is State.SUCCEEDED


# Sleeping


def test_a_wait_step_sleeps_without_a_worker_and_succeeds_when_its_time_comes() -> None:
    play = Play(workflow([{"name": "a"}, {"name": "b", "after": ["a"]}]))
    play.carry_out("a", ASLEEP)
    assert (play["a"].state, play["a"].reason, play["a"].worker) == (State.WAITING, Reason.TIMER, None)
    assert play["a"].ready_at == ASLEEP.until
    play.wake("a")
    assert play["a"].state is State.SUCCEEDED
    assert play["b"].state is State.QUEUED


def test_a_wait_without_an_end_is_over_at_once() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.carry_out("a", Outcome(state=State.WAITING))
    assert play["a"].ready_at == NOW


def test_a_wait_that_begins_after_a_cancel_is_cancelled() -> None:
    play = Play(workflow([{"name": "a"}]))
    play.claim("a")
    play.stop()
    play.finish("a", ASLEEP)
    assert play["a"].state is State.CANCELLED


# finally


@pytest.mark.parametrize(
    ("outcome", "state"), [(SUCCEEDED, State.SUCCEEDED), (FAILED, State.FAILED), (TIMED_OUT, State.FAILED)]
)
def test_finally_runs_whatever_the_outcome_and_does_not_change_it(outcome: Outcome, state: State) -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    assert play["z"].state is State.PENDING
    play.carry_out("a", outcome)
    assert (play.run.phase, play["z"].state) == (Phase.FINALLY, State.QUEUED)
    play.carry_out("z", SUCCEEDED)
    assert play.run.state is state


def test_a_failed_finally_step_fails_a_run_that_went_well() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z"}]))
    play.carry_on({"z": FAILED})
    assert (play.run.state, play.run.failed_step) == (State.FAILED, "z")


def test_finally_steps_may_depend_on_each_other() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "y"}, {"name": "z", "after": {"y": ["failed"]}}]))
    play.carry_out("a", SUCCEEDED)
    assert (play["y"].state, play["z"].state) == (State.QUEUED, State.PENDING)
    play.carry_out("y", FAILED)
    assert play["z"].state is State.QUEUED


def test_retries_of_finally_go_on_after_a_cancel() -> None:
    play = Play(workflow([{"name": "a"}], [{"name": "z", "retry": {"limit": 1}}]))
    play.stop()
    play.carry_out("z", FAILED)
    assert play["z"].state is State.QUEUED
    play.carry_out("z", SUCCEEDED)
    assert play.run.state is State.CANCELLED
