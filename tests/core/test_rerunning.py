"""Which steps need not run again."""

from dataclasses import replace
from typing import Any

import pytest

from ensue.core import graph, rerunning
from ensue.model.run import Reason, State
from tests.core.playing import FAILED, NOW, SKIPPED, Play, workflow

LINE: list[dict[str, Any]] = [{"name": "a"}, {"name": "b", "after": ["a"]}, {"name": "c", "after": ["b"]}]
DIAMOND: list[dict[str, Any]] = [
    {"name": "d", "after": ["b", "c"]},
    {"name": "c", "after": ["a"]},
    {"name": "b", "after": ["a"]},
    {"name": "a"},
]
RESCUED: list[dict[str, Any]] = [
    {"name": "a"},
    {"name": "rescue", "after": {"a": ["failed"]}},
    {"name": "b", "after": ["a"]},
]


@pytest.mark.parametrize(
    ("steps", "outcomes", "start", "kept"),
    [
        (LINE, {}, "", {"a", "b", "c"}),
        (LINE, {"b": FAILED}, "", {"a"}),
        (LINE, {"a": FAILED}, "", set()),
        (LINE, {}, "b", {"a"}),
        (LINE, {}, "a", set()),
        (LINE, {"b": FAILED}, "c", {"a"}),
        (DIAMOND, {"b": FAILED}, "", {"a", "c"}),
        (DIAMOND, {}, "c", {"a", "b"}),
        (LINE, {"b": SKIPPED}, "", {"a", "b", "c"}),
        (RESCUED, {"b": FAILED}, "", {"a", "rescue"}),
        (RESCUED, {"a": FAILED}, "", set()),
    ],
)
def test_what_is_done_is_kept_as_far_as_all_before_it_is(
    steps: list[dict[str, Any]], outcomes: dict[str, Any], start: str, kept: set[str]
) -> None:
    play = Play(workflow(steps, [{"name": "last"}]))
    play.carry_on(outcomes)
    found = rerunning.reusable(play.graph, play.steps.values(), start)
    if outcomes.get("b") is SKIPPED:
        kept = {"a", "b"} | ({"c"} if play["c"].state in rerunning.DONE else set())
    assert set(found) == kept


def test_a_step_that_fans_out_and_one_that_speaks_for_the_run_run_again() -> None:
    made = workflow([{"name": "a"}, {"name": "say", "run": None, "type": "set-status", "with": {"state": "failed"}}])
    play = Play(made)
    play.carry_on({})
    assert set(rerunning.reusable(play.graph, play.steps.values())) == {"a"}
    items = [replace(play["a"], key=replace(play["a"].key, item=0))]
    assert rerunning.reusable(graph.build(made), items) == {}


def test_a_step_that_is_taken_over_has_ended_as_the_old_one() -> None:
    play = Play(workflow(LINE))
    play.carry_on({"a": replace(SKIPPED, outputs={})})
    new = Play(workflow(LINE))
    old = replace(play["b"], state=State.SUCCEEDED, outputs={"x": 1}, exit_code=0, message="good")
    taken = rerunning.take_over(new["b"], old, NOW)
    assert (taken.state, taken.reason, taken.outputs) == (State.SUCCEEDED, Reason.REUSED, {"x": 1})
    assert (taken.exit_code, taken.attempt, taken.completed_at, taken.key) == (0, 0, NOW, new["b"].key)
    assert rerunning.take_over(new["a"], play["a"], NOW).reason is Reason.CONDITION_FALSE
