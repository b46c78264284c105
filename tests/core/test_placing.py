"""Placing: `engine` and `requires` may be computed from a run's parameters."""

from typing import Any

import pytest

from ensue.core import graph, planning
from ensue.model.errors import InvalidParameters
from tests.core.playing import NOW, new_run, workflow


def placed(step: dict[str, Any], **parameters: Any) -> tuple[str, str]:
    built = graph.build(workflow([{"name": "a", **step}]))
    (row,) = planning.begin(built, new_run(parameters=parameters), NOW)[1]
    return row.engine, row.selector


def test_engine_and_labels_are_computed_when_the_run_starts() -> None:
    step = {"engine": "${parameters.engine}", "requires": {"os": "${parameters.os}-x", "arch": "amd64"}}
    assert placed(step, engine="scripted", os="linux") == ("scripted", "arch=amd64,os=linux-x")


@pytest.mark.parametrize(
    ("step", "sentence"),
    [
        ({"requires": {"os": "${parameters.nothing}"}}, "step a: requires.os: there is no parameters.nothing"),
        ({"requires": {"os": "${parameters.n}"}}, "step a: requires.os: 1 is not a text"),
        ({"engine": "${parameters.n.x}"}, "step a: engine: "),
    ],
)
def test_a_step_that_cannot_be_placed_is_named(step: dict[str, Any], sentence: str) -> None:
    with pytest.raises(InvalidParameters, match=sentence):
        placed(step, n=1)
