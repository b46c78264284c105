"""What a finished run gives."""

from dataclasses import replace
from typing import Any

import pytest

from ensue.core import resulting
from ensue.model.run import Reason, Run, State
from ensue.model.values import Json
from tests.core.playing import FAILED, NOW, SKIPPED, Play, outputs, workflow


def ended(value: Json, **ends: Any) -> Run:
    made = workflow([{"name": name} for name in "abc"], outputs=[{"name": "out", "value": value}])
    play = Play(made)
    play.run = replace(play.run, parameters={"p": 7})
    play.carry_on({"a": outputs(url="http://x", n=3, list=[1, {"y": 2}]), **ends})
    return resulting.with_outputs(play.graph, play.run, list(play.steps.values()), NOW)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${outputs.a.url}", "http://x"),
        ("${outputs.a.n}", 3),
        ("${outputs.a.list[1].y}", 2),
        ("n is ${outputs.a.n}", "n is 3"),
        ({"deep": ["${parameters.p}", None]}, {"deep": [7, None]}),
        ("${run.state}", "Succeeded"),
        ("${steps.b.succeeded}", True),
        ("${steps.b.state}", "Succeeded"),
        ("plain", "plain"),
    ],
)
def test_an_output_is_computed_from_what_the_steps_left(value: Json, expected: Json) -> None:
    assert ended(value).outputs == {"out": expected}


@pytest.mark.parametrize("value", ["${outputs.b.url}", "${outputs['b'].url}", "${outputs.b}-${outputs.b.x[0]}"])
def test_an_output_of_a_step_that_did_not_run_is_left_out(value: str) -> None:
    run = ended(value, b=SKIPPED)
    assert (run.state, run.outputs) == (State.SUCCEEDED, {})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("${outputs.a.nope}", "output out: there is no outputs.a.nope"),
        ("${parameters.q}", "output out: there is no parameters.q"),
        ("${outputs.a.n", "output out: unexpected end of the text: `${` is not closed"),
        ("${outputs.b.x} ${outputs.a.nope}", "output out: there is no outputs.b.x, outputs.a.nope"),
    ],
)
def test_an_output_that_cannot_be_computed_fails_a_run_that_went_well(value: str, message: str) -> None:
    run = ended(value, b=SKIPPED)
    assert (run.state, run.reason) == (State.FAILED, Reason.INVALID_OUTPUT)
    assert run.message.startswith(message)


def test_an_output_that_cannot_be_computed_does_not_hide_why_a_run_failed() -> None:
    run = ended("${outputs.a.nope}", b=FAILED)
    assert (run.state, run.reason, run.outputs) == (State.FAILED, Reason.STEP_FAILED, {})
